//! Staff as the authors of acts.

use crate::dice::Dice;
use crate::scene::{Cue, Scene};
use events::staff::StaffId;
use events::{Actor, ActorKind};

/// The staff with this number. The first three are administrators.
pub(crate) fn staff(seed: u64, nth: u64) -> StaffId {
    StaffId(Dice::of(&[seed, 50, nth]).uuid())
}

/// A cue of an administrator at the console.
pub(crate) fn by_staff(scene: &mut Scene) -> Cue {
    let staff = staff(scene.stage.seed, scene.dice.below(3));
    let address = format!("192.0.2.{}", 1 + scene.dice.below(40));
    Cue::from(Actor::new(ActorKind::Staff, staff), address, staff.key(), scene.dice.uuid())
}

/// A password hash that fits no password.
pub(crate) fn password(scene: &mut Scene) -> String {
    let (salt, hash) = (scene.dice.base64::<15>(), scene.dice.base64::<30>());
    format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}")
}
