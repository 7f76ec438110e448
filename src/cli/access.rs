//! `muster access …`: evaluates the access rules for a person before they use the portal.

use super::At;
use super::administer::{perform, tell};
use clap::{Args, Subcommand};
use staff::administration::Question;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Access {
    /// Say which access rule decides about somebody, and why; changes nothing.
    Explain(Box<Explain>),
}

#[derive(Args)]
pub struct Explain {
    /// The name they sign in with: a local account, or somebody in a directory that is switched on for enrollment.
    #[arg(required_unless_present = "visit", conflicts_with = "visit")]
    user_name: Option<String>,
    /// Explain what was decided on this visit, by its help code, with the groups and claims that arrived then.
    #[arg(long, value_name = "HELP CODE", conflicts_with_all = ["provider", "groups", "claims"])]
    visit: Option<String>,
    /// Who vouches for them: "local", or the name of a directory or identity provider in the configuration.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Suppose that they are in this group; may be given several times. Then nobody is asked.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Suppose that they have this claim or attribute, such as department=Physics; may be given several times.
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
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let Access::Explain(explain) = self;
        let mut claims = BTreeMap::<String, BTreeSet<String>>::new();
        for (name, value) in explain.claims {
            claims.entry(name).or_default().insert(value);
        }
        let question = Question {
            user_name: explain.user_name.unwrap_or_default(),
            visit: explain.visit,
            provider: explain.provider,
            groups: explain.groups.into_iter().collect(),
            claims,
        };
        tell(perform(&explain.at, question.into()).await?)
    }
}
