//! The act of a person whose iPhone was managed by another product: records are imported, the portal asks about them,
//! and the device is linked to its earlier records.

use super::stage::{MOVING, Stage};
use super::teller::Teller;
use super::{answer_first_commands, board, catch_up, id_of, lineage, person, say};
use anyhow::{Context as _, bail};
use imports::Order;
use platform::context::Context;
use plural::counted;
use records::Mapping;
use simulator::acts::Act;
use simulator::device::Device;
use simulator::keys::KeyPool;
use simulator::model::{Family, Hardware, IosVersion};
use simulator::safari::{Opened, Page};
use simulator::walk::{Ending, Next, Ownership, Walk};
use std::fs::File;
use tokio::sync::mpsc;

/// An export of Jamf Pro. Grace owns the first record.
const EXPORT: &str = "\
JSS Mobile Device ID,Device Ownership Type,Serial Number,Model Identifier,Model,OS Version,Username,Last Inventory \
Update,Last Enrollment
1017,PersonalDeviceProfile,F2LX7K1PN72N,\"iPhone14,5\",iPhone 13,15.7.1,grace,2026-06-30T14:10:00Z,2021-09-10T08:00:00Z
1018,PersonalDeviceProfile,DNPXK2ZHKPHF,\"iPhone12,1\",iPhone 11,16.6,alan,2026-05-12T09:30:00Z,2020-11-02T08:00:00Z
1019,PersonalDeviceProfile,C39XJ0VLHG7F,\"iPhone11,8\",iPhone XR,14.8,edsger,2025-12-01T07:45:00Z,2019-08-26T08:00:00Z
";

/// The rule by which owners of the records are found.
const OWNER: &str = "user_name=local:user_name";

/// What the portal shows and says, word for word.
const RECORD: [&str; 3] = ["iPhone 13", "Enrolled in 2021 with Jamf Pro", "Old profile for personal devices"];
const WARNING: &str = "Wi-Fi, mail and certificates that came with the old management are removed with it.";
const QUESTION: &str = "Is the old management removed from this iPhone?";

const MOST_PAGES: usize = 24;

/// Plays the act. Returns the device.
pub(super) async fn act(stage: &Stage) -> anyhow::Result<Device> {
    say("\nThe school imports the records of its earlier MDM product\n");
    import(stage).await?;
    board::show(stage.app(), "before").await?;
    let link = board::invite(stage.app(), MOVING).await?;
    board::show(stage.app(), "after the invitations").await?;
    say("\nGrace enrolls her iPhone, which still has its old profile (iOS 17.5, User Enrollment)\n");
    let device = leave_other_product(stage, &link).await.context("Grace enrolls her iPhone")?;
    lineage::confirm(stage.app(), id_of(&device).context("the device has no id")?).await?;
    board::show(stage.app(), "after that").await?;
    say("\nGrace updates her iPhone and enrolls it again from Settings (iOS 18.2, account-driven User Enrollment)\n");
    let device = enroll_again(stage, device).await.context("Grace enrolls her iPhone again")?;
    let id = id_of(&device).context("the device has no id")?;
    lineage::confirm(stage.app(), id).await?;
    lineage::show(stage.app(), id).await?;
    Ok(device)
}

async fn import(stage: &Stage) -> anyhow::Result<()> {
    let (app, name) = (stage.app(), "jamf-pro.csv");
    let file = File::open(stage.write(name, EXPORT)?)?;
    let mapping = Mapping { owner: vec![OWNER.parse()?], ..Mapping::default() };
    let order = Order { mapping, is_complete: true, is_rehearsal: false };
    // Nobody listens to the progress.
    let (told, _) = mpsc::channel(1);
    let finished = app.imports.run(file, order, &Context::operator(app.platform.world.uuid()), &told).await?;
    if finished.counts.bad > 0 {
        bail!("the import set {} aside", counted(finished.counts.bad, "row"));
    }
    let records = counted(finished.counts.new, "record");
    say(format_args!("  muster import records {name} --complete --owner {OWNER}"));
    say(format_args!(
        "  {records} of phones with the Personal Device Profile of Jamf Pro. Their owners are known when they sign in."
    ));
    Ok(())
}

async fn leave_other_product(stage: &Stage, link: &str) -> anyhow::Result<Device> {
    let hardware = Hardware::new(Family::IPhone, IosVersion::new(17, 5));
    let mut walk = walk(stage, Device::new(hardware, KeyPool::fresh(), stage.push_server.clone()));
    walk.says_of_earlier = Some("this_device");
    let mut teller = teller();
    walk.arrive(link, &mut teller).await?;
    let mut page = match walk.safari.send_form("continue", &[]).await? {
        Opened::Page(page) => *page,
        Opened::Profile(_) | Opened::Left { .. } => bail!("the invitation leads to no page"),
    };
    teller.tell(Act::OpenPortal, "taps the icon on the Home Screen, then Continue: the invitation is opened");
    for _ in 0..MOST_PAGES {
        tell_of_earlier(&page, &teller)?;
        page = match walk.next(&page, &mut teller).await? {
            Next::Page(page) => page,
            Next::Ending(Ending::Enrolled(_)) => {
                answer_first_commands(&mut walk.device, &mut teller).await?;
                return Ok(walk.device);
            }
            Next::Ending(Ending::Directed(page)) => bail!("the portal shows an unexpected page: {}", page.text),
            Next::Left { url, .. } => bail!("the portal led to {url}"),
        };
    }
    bail!("the portal leads in circles: {}", page.title)
}

// Prints what the page about earlier records says, and what the person does then.
fn tell_of_earlier(page: &Page, teller: &Teller) -> anyhow::Result<()> {
    if page.url.path() != "/enroll/previous" {
        return Ok(());
    }
    let act = Act::NotePreviousRecords;
    if page.asks_for("removed") {
        teller.tell(act, format_args!("the page asks: {}", quoted(page, QUESTION)?));
        // The simulator has no management of another product: nothing tells the server that it is gone.
        teller.tell(act, "in Settings: MDM Profile, Remove Management");
    } else {
        let [model, enrolled, kind] = [quoted(page, RECORD[0])?, quoted(page, RECORD[1])?, quoted(page, RECORD[2])?];
        teller.tell(act, format_args!("the page shows her old record: {model}, {enrolled}, {kind}"));
        teller.tell(act, format_args!("it warns: {}", quoted(page, WARNING)?));
    }
    Ok(())
}

fn quoted(page: &Page, words: &str) -> anyhow::Result<String> {
    if page.text.contains(words) {
        Ok(format!("“{words}”"))
    } else {
        bail!("the page lacks “{words}”: {}", page.text)
    }
}

async fn enroll_again(stage: &Stage, mut device: Device) -> anyhow::Result<Device> {
    let mut teller = teller();
    device.remove_mdm_profile().await?;
    teller.tell(Act::Discover, "in Settings: Example School, Remove Management; the iPhone sends CheckOut");
    catch_up(stage.app()).await?;
    device.hardware.ios = IosVersion::new(18, 2);
    // As in a real installation, where the certificate is publicly trusted.
    device.trust.install(stage.root()?);
    device.trust.switch_on();
    let mut walk = walk(stage, device);
    walk.enroll_with_account(&stage.account(MOVING), &mut teller).await?;
    answer_first_commands(&mut walk.device, &mut teller).await?;
    Ok(walk.device)
}

fn walk(stage: &Stage, device: Device) -> Walk {
    Walk::new(person(MOVING, &stage.passwords.moving, Ownership::Personal), device)
}

fn teller() -> Teller {
    Teller::new("Grace", Family::IPhone)
}
