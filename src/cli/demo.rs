//! `muster demo`: a temporary server on this machine, and simulated people who enroll their devices with it, step by
//! step.

mod board;
mod lineage;
mod moving;
mod staff;
pub mod stage;
mod teller;

use super::{log_list, say};
use crate::app::App;
use anyhow::{Context as _, bail};
use clap::Args;
use events::device::DeviceId;
use plural::counted;
use projections::audit::{AuditFilter, query};
use projections::devices::{State, get};
use simulator::device::{Device, DeviceError};
use simulator::keys::KeyPool;
use simulator::model::{Family, Hardware, IosVersion};
use simulator::scep::common_name;
use simulator::walk::{Ending, Ownership, Person, Walk};
use stage::{ENROLLING, Stage};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use teller::Teller;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Args)]
pub(crate) struct Demo {
    /// Exit when all devices are enrolled, instead of continuing to serve.
    #[arg(long)]
    exit: bool,
    /// Address and port to listen on; port 0 selects any free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Timeout for everything that should happen by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// A person with a device.
struct Visitor {
    title: &'static str,
    family: Family,
    ios: IosVersion,
    ownership: Ownership,
    /// Signs in with her account in Settings instead of opening the portal.
    from_settings: bool,
}

const VISITORS: [Visitor; 3] = [
    Visitor {
        title: "Ada enrolls her own iPhone (iOS 17.5, User Enrollment)",
        family: Family::IPhone,
        ios: IosVersion::new(17, 5),
        ownership: Ownership::Personal,
        from_settings: false,
    },
    Visitor {
        title: "Ada enrolls an iPad of the school (iPadOS 17.5, Device Enrollment)",
        family: Family::IPad,
        ios: IosVersion::new(17, 5),
        ownership: Ownership::Institutional,
        from_settings: false,
    },
    Visitor {
        title: "Ada enrolls her new iPhone from Settings (iOS 18.2, account-driven User Enrollment)",
        family: Family::IPhone,
        ios: IosVersion::new(18, 2),
        ownership: Ownership::Personal,
        from_settings: true,
    },
];

impl Demo {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        say(
            "Muster demo: a temporary server on this machine, and two simulated people: Ada with two iPhones and an iPad, and",
        );
        say("Grace, whose iPhone was managed by another product.");
        let mut terminate = signal(SignalKind::terminate())?;
        let stage = tokio::select! {
            stage = Stage::set(self.listen) => stage?,
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        };
        let outcome = tokio::select! {
            outcome = self.play(&stage) => outcome,
            _ = tokio::signal::ctrl_c() => Ok(()),
            _ = terminate.recv() => Ok(()),
        };
        stage.strike().await;
        outcome.map(|()| ExitCode::SUCCESS)
    }

    async fn play(&self, stage: &Stage) -> anyhow::Result<()> {
        let mut devices = Vec::new();
        for visitor in &VISITORS {
            say(format_args!("\n{}\n", visitor.title));
            let device = enroll(stage, visitor).await.with_context(|| visitor.title)?;
            show_records(stage.app(), &device).await?;
            devices.push(device);
        }
        devices.push(moving::act(stage).await?);
        staff::look(stage).await?;
        stage.tell_addresses();
        if self.exit {
            return Ok(());
        }
        say("\nServing until Ctrl-C. The devices stay awake and answer the commands that you send them.");
        for device in devices {
            tokio::spawn(live_on(device));
        }
        std::future::pending().await
    }
}

async fn enroll(stage: &Stage, visitor: &Visitor) -> anyhow::Result<Device> {
    let hardware = Hardware::new(visitor.family, visitor.ios);
    let device = Device::new(hardware, KeyPool::fresh(), stage.push_server.clone());
    let mut walk = Walk::new(person(ENROLLING, &stage.passwords.enrolling, visitor.ownership), device);
    let mut teller = Teller::new("Ada", visitor.family);
    if visitor.from_settings {
        // In a real installation the server's certificate is publicly trusted. Here the simulated device has the demo's
        // root installed already.
        walk.device.trust.install(stage.root()?);
        walk.device.trust.switch_on();
        walk.enroll_with_account(&stage.account(ENROLLING), &mut teller).await?;
    } else if let Ending::Directed(page) = walk.run(&stage.address(), &mut teller).await? {
        bail!("the portal shows an unexpected page: {}", page.text);
    }
    answer_first_commands(&mut walk.device, &mut teller).await?;
    Ok(walk.device)
}

fn person(user_name: &str, password: &str, ownership: Ownership) -> Person {
    Person {
        user_name: user_name.into(),
        password: password.into(),
        ownership,
        managed_apple_id: stage::managed_apple_id(user_name),
        switches_on_trust: true,
    }
}

// After the first TokenUpdate the server queries the device, which must be woken for that.
async fn answer_first_commands(device: &mut Device, teller: &mut Teller) -> anyhow::Result<()> {
    let mut missing = vec!["DeviceInformation", "SecurityInfo"];
    while !missing.is_empty() {
        let handled = device.serve_once_watched(PATIENCE, teller).await;
        let handled = handled.with_context(|| format!("waiting for {}", missing.join(" and ")))?;
        missing.retain(|wanted| handled.iter().all(|one| one.request_type != *wanted));
    }
    Ok(())
}

/// Prints inventory, audit trail and log of a newly enrolled device.
async fn show_records(app: &App, device: &Device) -> anyhow::Result<()> {
    let id = id_of(device).context("the device's certificate does not name a known device")?;
    catch_up(app).await?;
    let record = get(&app.platform.projections, id, None).await?.context("the device is not in the inventory")?;
    if record.state != State::Enrolled {
        bail!("the inventory says that the device is {}", record.state.as_str());
    }
    let filter = AuditFilter { device: Some(id), ..AuditFilter::default() };
    let trail = query(&app.platform.projections, &app.platform.log, filter, 100).await?;
    if trail.rows.is_empty() {
        bail!("the audit trail has nothing about the device");
    }
    let model = record.model.or(record.product_name).unwrap_or_default();
    let owner = record.user_name.unwrap_or_default();
    say(format_args!(
        "\n  In the inventory: {model} of {owner}, enrolled. In the audit trail: {}.",
        counted(trail.rows.len(), "event")
    ));
    say("  Its log:\n");
    for line in log_list::of_device(&app.platform.log, id).await? {
        say(format_args!("  {line}"));
    }
    Ok(())
}

// Waits until the projections have the whole log.
async fn catch_up(app: &App) -> anyhow::Result<()> {
    if let Some(head) = app.platform.log.store().head().await? {
        tokio::time::timeout(PATIENCE, app.platform.projections.wait_for(head))
            .await
            .context("the projections lag")??;
    }
    Ok(())
}

fn id_of(device: &Device) -> Option<DeviceId> {
    common_name(&device.management()?.identity.certificate)?.parse().ok().map(DeviceId)
}

// Runs until management or the demo ends.
async fn live_on(mut device: Device) {
    let name = device.hardware.family.name();
    loop {
        match device.serve_once(Duration::from_secs(3600)).await {
            Ok(handled) => {
                for one in handled {
                    say(format_args!("The {name} was woken: {} {}", one.request_type, one.status));
                }
            }
            Err(DeviceError::NotWoken(_)) => {}
            Err(error) => return say(format_args!("The {name}: {error}")),
        }
        if !device.is_managed() {
            return say(format_args!("The {name} is no longer managed: its MDM profile is gone."));
        }
    }
}
