//! Renders the console's templates in strict mode: a missing name is an error instead of a gap.

#[cfg(test)]
use crate::web::content::Content;
use crate::web::content::{Tested, content};
use crate::web::escape;
use handlebars::Handlebars;
use serde::Serialize;
use std::sync::LazyLock;

/// All templates by name.
const TEMPLATES: &[(&str, &str)] = &[
    ("layout", include_str!("../../templates/admin/layout.hbs")),
    ("sign_in", include_str!("../../templates/admin/sign_in.hbs")),
    ("leaving", include_str!("../../templates/admin/leaving.hbs")),
    ("devices", include_str!("../../templates/admin/devices.hbs")),
    ("device", include_str!("../../templates/admin/device.hbs")),
    ("device_command", include_str!("../../templates/admin/device_command.hbs")),
    ("audit", include_str!("../../templates/admin/audit.hbs")),
    ("event", include_str!("../../templates/admin/event.hbs")),
    ("links", include_str!("../../templates/admin/links.hbs")),
    ("link_card", include_str!("../../templates/admin/link_card.hbs")),
    ("link_decisions", include_str!("../../templates/admin/link_decisions.hbs")),
    ("lineage", include_str!("../../templates/admin/lineage.hbs")),
    ("person", include_str!("../../templates/admin/person.hbs")),
    ("invitations", include_str!("../../templates/admin/invitations.hbs")),
    ("invitation", include_str!("../../templates/admin/invitation.hbs")),
    ("invitation_new", include_str!("../../templates/admin/invitation_new.hbs")),
    ("invitation_revoke", include_str!("../../templates/admin/invitation_revoke.hbs")),
    ("waves", include_str!("../../templates/admin/waves.hbs")),
    ("wave", include_str!("../../templates/admin/wave.hbs")),
    ("wave_new", include_str!("../../templates/admin/wave_new.hbs")),
    ("wave_rehearsal", include_str!("../../templates/admin/wave_rehearsal.hbs")),
    ("wave_end", include_str!("../../templates/admin/wave_end.hbs")),
    ("wave_print", include_str!("../../templates/admin/wave_print.hbs")),
    ("mails", include_str!("../../templates/admin/mails.hbs")),
    ("again_tabs", include_str!("../../templates/admin/again_tabs.hbs")),
    ("migration", include_str!("../../templates/admin/migration.hbs")),
    ("migration_chart", include_str!("../../templates/admin/migration_chart.hbs")),
    ("migration_try", include_str!("../../templates/admin/migration_try.hbs")),
    ("migrating", include_str!("../../templates/admin/migrating.hbs")),
    ("records", include_str!("../../templates/admin/records.hbs")),
    ("previous_record", include_str!("../../templates/admin/previous_record.hbs")),
    ("imports", include_str!("../../templates/admin/imports.hbs")),
    ("import", include_str!("../../templates/admin/import.hbs")),
    ("import_counts", include_str!("../../templates/admin/import_counts.hbs")),
    ("import_undo", include_str!("../../templates/admin/import_undo.hbs")),
    ("import_upload", include_str!("../../templates/admin/import_upload.hbs")),
    ("import_owners", include_str!("../../templates/admin/import_owners.hbs")),
    ("import_notes", include_str!("../../templates/admin/import_notes.hbs")),
    ("import_how", include_str!("../../templates/admin/import_how.hbs")),
    ("funnel", include_str!("../../templates/admin/funnel.hbs")),
    ("portal_preview", include_str!("../../templates/admin/portal_preview.hbs")),
    ("enrollments", include_str!("../../templates/admin/enrollments.hbs")),
    ("enrollment", include_str!("../../templates/admin/enrollment.hbs")),
    ("enrollment_rows", include_str!("../../templates/admin/enrollment_rows.hbs")),
    ("command", include_str!("../../templates/admin/command.hbs")),
    ("command_fields", include_str!("../../templates/admin/command_fields.hbs")),
    ("commands", include_str!("../../templates/admin/commands.hbs")),
    ("commands_which", include_str!("../../templates/admin/commands_which.hbs")),
    ("commands_try", include_str!("../../templates/admin/commands_try.hbs")),
    ("proof", include_str!("../../templates/admin/proof.hbs")),
    ("proof_go_on", include_str!("../../templates/admin/proof_go_on.hbs")),
    ("proof_about", include_str!("../../templates/admin/proof_about.hbs")),
    ("passkey", include_str!("../../templates/admin/passkey.hbs")),
    ("account", include_str!("../../templates/admin/account.hbs")),
    ("factor_new", include_str!("../../templates/admin/factor_new.hbs")),
    ("one_time_codes", include_str!("../../templates/admin/one_time_codes.hbs")),
    ("recovery_codes", include_str!("../../templates/admin/recovery_codes.hbs")),
    ("staff_list", include_str!("../../templates/admin/staff_list.hbs")),
    ("staff_rows", include_str!("../../templates/admin/staff_rows.hbs")),
    ("staff_member", include_str!("../../templates/admin/staff_member.hbs")),
    ("staff_password", include_str!("../../templates/admin/staff_password.hbs")),
    ("set_up", include_str!("../../templates/admin/set_up.hbs")),
    ("settings", include_str!("../../templates/admin/settings.hbs")),
    ("settings_edit", include_str!("../../templates/admin/settings_edit.hbs")),
    ("settings_preview", include_str!("../../templates/admin/settings_preview.hbs")),
    ("problem", include_str!("../../templates/admin/problem.hbs")),
];

static PAGES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut pages = Handlebars::new();
    pages.set_strict_mode(true);
    escape::register(&mut pages);
    for (name, template) in TEMPLATES {
        pages.register_template_string(name, template).expect("the templates are part of the program and are tested");
    }
    pages
});

/// Data that every template gets in addition to the page's own.
#[derive(Serialize)]
pub(crate) struct Framed<'a, T> {
    pub title: &'a str,
    pub section: &'a str,
    pub staff: Option<Signed<'a>>,
    #[serde(flatten)]
    pub page: &'a T,
}

#[derive(Serialize)]
pub(crate) struct Signed<'a> {
    pub name: &'a str,
    pub role: String,
    pub menu: Vec<Entry>,
    pub csrf: &'a str,
    /// Notice on every page about something an administrator must do.
    pub notice: Option<String>,
}

content!(Signed<'_> { name, role, menu, csrf, notice });

/// An entry of the menu.
#[derive(Serialize)]
pub(crate) struct Entry {
    pub href: &'static str,
    pub label: &'static str,
    pub current: bool,
}

content!(Entry { href, label, current });

/// Content of a problem page.
#[derive(Serialize)]
pub(crate) struct ProblemPage {
    pub heading: &'static str,
    pub what: String,
    pub advice: &'static str,
    pub code: Option<String>,
    /// Page that shows the present state.
    pub go: Option<String>,
}

view!(problem, Alone, ProblemPage { heading, what, advice, code, go });

/// A page with its own template. Only [`view!`] implements this trait, so that tests render every content of each
/// page.
pub(crate) trait View: Serialize + Tested {
    const TEMPLATE: &'static str;
    /// Frame of the page: [`Menu`] or [`Alone`].
    type Around: Around;
}

/// The frame around a page.
pub(crate) trait Around {
    #[cfg(test)]
    fn contents() -> Vec<Option<Signed<'static>>>;
}

/// Frame with the menu, for signed-in staff.
pub(crate) struct Menu;

/// Frame without a menu, for visitors who are not signed in or have not completed the sign-in.
pub(crate) struct Alone;

impl Around for Menu {
    #[cfg(test)]
    fn contents() -> Vec<Option<Signed<'static>>> {
        (0..Signed::count()).map(|nth| Some(Signed::nth(nth))).collect()
    }
}

impl Around for Alone {
    #[cfg(test)]
    fn contents() -> Vec<Option<Signed<'static>>> {
        vec![None]
    }
}

/// Implements [`View`] for a struct, with a test that renders each of its contents. The fields are those of
/// [`content!`](crate::web::content::content). `as` names the test module if the template's name is already taken.
macro_rules! view {
    ($template:ident, $around:ident, $($rest:tt)*) => {
        $crate::admin::render::view!($template as $template, $around, $($rest)*);
    };
    ($template:ident as $module:ident, $around:ident, $view:ty { $($fields:tt)* }) => {
        impl $crate::admin::render::View for $view {
            const TEMPLATE: &'static str = stringify!($template);
            type Around = $crate::admin::render::$around;
        }

        $crate::web::content::content!($view { $($fields)* });

        #[cfg(test)]
        mod $module {
            use super::*;

            #[test]
            fn every_content_is_rendered() {
                $crate::admin::render::tests::render_every_content::<$view>();
            }
        }
    };
}
pub(in crate::admin) use view;

/// Renders a problem page.
pub(crate) fn problem(page: &ProblemPage) -> String {
    let framed = Framed { title: page.heading, section: "", staff: None, page };
    // If even this page cannot be rendered, its text is sent alone.
    render(&framed).unwrap_or_else(|_| page.what.clone())
}

pub(crate) fn render<V: View>(framed: &Framed<'_, V>) -> Result<String, handlebars::RenderError> {
    PAGES.render(V::TEMPLATE, framed)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn render_every_content<V: View>() {
        for nth in 0..V::count() {
            check(&V::nth(nth), V::Around::contents().into_iter().next().flatten(), nth);
        }
        for staff in V::Around::contents() {
            check(&V::fullest(), staff, 0);
        }
    }

    fn check<V: View>(page: &V, staff: Option<Signed<'_>>, nth: usize) {
        let rendered = render(&Framed { title: "<Title>", section: V::TEMPLATE, staff, page });
        assert!(rendered.is_ok(), "{}, content {nth}: {rendered:?}", V::TEMPLATE);
    }
}
