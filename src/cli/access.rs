//! `muster access …`: evaluates the access rules for a person before they use the portal.

use super::At;
use super::administer::{perform, print};
use clap::{Args, Subcommand};
use staff::administration::Question;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum Access {
    /// Show which access rule applies to a person, and why. Changes nothing.
    Explain(Box<Explain>),
}

#[derive(Args)]
pub(crate) struct Explain {
    /// User name of the person: a local account, or a person in a directory that is enabled for enrollment.
    #[arg(required_unless_present = "visit", conflicts_with = "visit")]
    user_name: Option<String>,
    /// Explain the decision for this enrollment, given by its help code, with the groups and claims of that time.
    #[arg(long, value_name = "HELP CODE", conflicts_with_all = ["provider", "groups", "claims"])]
    visit: Option<String>,
    /// Source of the account: "local", or the name of a directory or identity provider in the configuration.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Assume that the person is in this group; may be repeated. Then no directory is queried.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Assume that the person has this claim or attribute, such as department=Physics; may be repeated.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
    #[command(flatten)]
    at: At,
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE, such as department=Physics")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Access {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let Access::Explain(explain) = self;
        let mut claims = BTreeMap::<String, BTreeSet<String>>::new();
        for (name, value) in explain.claims {
            claims.entry(name).or_default().insert(value);
        }
        let question = Question {
            user_name: explain.user_name.unwrap_or_default(),
            enrollment: explain.visit,
            provider: explain.provider,
            groups: explain.groups.into_iter().collect(),
            claims,
        };
        print(perform(&explain.at, question.into()).await?)
    }
}
