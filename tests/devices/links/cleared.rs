//! What the re-enrollment settings clear when a link is confirmed.

use super::*;
use decisions::device::CommandState;
use devices::commands::removal;
use events::device::DeviceEvent;
use events::settings::{ClearedView, Commands};

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_clears_views_on_the_stream_of_the_successor_and_takes_no_event_away() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    let views = [ClearedView::Location, ClearedView::Logs];
    scene.server.settings(|settings| settings.reenrollment.clear_views = views.into()).await;
    let mut old = enroll(&scene, "grace", &phone).await;
    let record = own(&old);
    old.remove_mdm_profile().await.unwrap();
    let pair = Pair { record, successor: id_of(&enroll(&scene, "grace", &phone).await) };
    scene.server.reacted().await;
    let before = scene.server.log_of(&record.device().stream()).await;
    scene.server.app().reenrollment.confirm(pair, &operator(&scene)).await.unwrap();
    scene.server.reacted().await;
    let log = scene.server.log_of(&pair.successor.stream()).await;
    let cleared = log.iter().filter_map(|entry| match &entry.event {
        Event::Device(DeviceEvent::EarlierViewsCleared { record, views }) => Some((*record, views.clone())),
        _ => None,
    });
    assert_eq!(cleared.collect::<Vec<_>>(), [(record, views.into())]);
    let after = scene.server.log_of(&record.device().stream()).await;
    assert_eq!(after[..before.len()], before[..], "the past of the old record stays");
    let projections = &scene.server.app().platform.projections;
    let hidden = async || projections::records::cleared(projections, record).await.unwrap().map(|found| found.views);
    assert_eq!(hidden().await, Some(views.into()));
    scene.server.app().reenrollment.undo(pair, &operator(&scene)).await.unwrap();
    scene.server.reacted().await;
    assert_eq!(hidden().await, None);
    scene.server.app().reenrollment.confirm(pair, &operator(&scene)).await.unwrap();
    scene.server.reacted().await;
    assert_eq!(hidden().await, Some(views.into()), "also without another event");
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_cancels_what_waits_for_the_old_record_except_its_removal() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    scene.server.settings(|settings| settings.reenrollment.commands = Commands::ClearAll).await;
    let old = enroll(&scene, "grace", &phone).await;
    let record = own(&old);
    let pair = Pair { record, successor: id_of(&enroll(&scene, "grace", &phone).await) };
    scene.server.reacted().await;
    let (app, context) = (scene.server.app(), operator(&scene));
    let asked = CommandId(app.platform.world.uuid());
    app.devices.queue_command(id_of(&old), asked, &security_info(), &context).await.unwrap();
    let device = app.platform.device(id_of(&old)).await.unwrap();
    let ends = removal(id_of(&old), &device);
    app.devices.unenroll(id_of(&old), ends, &context).await.unwrap();
    app.reenrollment.confirm(pair, &context).await.unwrap();
    scene.server.reacted().await;
    let device = app.platform.device(id_of(&old)).await.unwrap();
    let state = |id: CommandId| device.commands.iter().find(|command| command.id == id).unwrap().status;
    assert_eq!(state(asked), CommandState::Cancelled);
    assert!(state(ends).is_waiting(), "the old management is still to be removed");
    scene.strike().await;
}
