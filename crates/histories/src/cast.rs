//! A team of the population becomes acts: what the server learns of its people and devices, in the order of time.

use crate::act::Act;
use crate::dice::Dice;
use crate::enrolled::{VISIT, phone, version};
use crate::house::{CLOSED, SHREDDED, WAVES};
use crate::phone::Phone;
use crate::plan::{END, Plan, START};
use crate::rows::Imports;
use crate::scenes::house::{Rows, wave_id};
use crate::scenes::identity::IDENTITY_DAYS;
use crate::scenes::invitations::Inviting;
use crate::scenes::records::Link;
use crate::scenes::sign_in::Known;
use crate::scenes::visit::{Earlier, Enrolling};
use crate::scenes::{failing, troubles};
use crate::who::Who;
use events::device::DeviceId;
use events::enrollment::OsVersion;
use events::invitation::{InvitationDelivery, InvitationId, InvitationToken};
use events::record::{PreviousAnswer, RecordId};
use population::{
    AccountId, Answer, DAY, Delivery, Enrolled, HOUR, Happening, OldRecord, PushAnswer, Shape, Team, Through, What,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One team in so many comes from the other product; the others enroll without an earlier record.
const MIGRATES: u32 = 6;

/// What a team does.
pub(crate) struct Cast {
    /// In the order of time.
    pub(crate) acts: Vec<(i64, Act)>,
    pub(crate) devices: u32,
    /// Of each import.
    pub(crate) rows: Vec<Rows>,
    pub(crate) shredded: Vec<RecordId>,
}

/// The state while a team is read.
pub(crate) struct Casting {
    seed: u64,
    team: u32,
    is_migrating: bool,
    /// [`Plan::erased`].
    erased: u64,
    /// Number of devices that may still enroll.
    left: u32,
    devices: u32,
    pub(crate) acts: Vec<(i64, Act)>,
    pub(crate) people: HashMap<AccountId, Arc<Who>>,
    phones: HashMap<population::EnrollmentId, Arc<Phone>>,
    /// The devices of each account in the order of their enrollment.
    held: HashMap<AccountId, Vec<Arc<Phone>>>,
    /// When the server learned of the end of a device.
    ended: HashMap<DeviceId, i64>,
    /// Devices whose identity was renewed.
    renewed: HashSet<DeviceId>,
    udids: HashMap<Arc<str>, Arc<Phone>>,
    answers: HashMap<population::EnrollmentId, Answer>,
    invitations: HashMap<population::InvitationId, (InvitationId, Option<AccountId>)>,
    used: HashMap<population::InvitationId, i64>,
    /// The last sign-in of each account.
    last: HashMap<AccountId, i64>,
    pub(crate) imports: Imports,
    /// Records that an enrollment continues.
    continued: HashSet<RecordId>,
}

/// Reads a team, of which at most `left` devices enroll.
pub(crate) fn cast(plan: &Plan, shape: &Shape, team: Team, left: u32) -> Cast {
    let mut casting = Casting::new(plan, shape, &team, left);
    let Team { happenings, rows, truth, .. } = team;
    let mut exports = shape.calendar.exports.iter().zip(rows).enumerate().peekable();
    for happening in &happenings {
        while let Some((nth, (export, rows))) = exports.next_if(|(_, (export, _))| export.time <= happening.time) {
            casting.import(nth, export.time, export.complete, rows);
        }
        casting.read(happening, &truth);
    }
    for (nth, (export, rows)) in exports {
        casting.import(nth, export.time, export.complete, rows);
    }
    let shredded = casting.close();
    let (acts, rows, devices) = (casting.acts, casting.imports.rows, casting.devices);
    let acts = crate::settle::settle(acts);
    Cast { acts, devices, rows, shredded }
}

impl Casting {
    fn new(plan: &Plan, shape: &Shape, team: &Team, left: u32) -> Casting {
        let (mut used, mut answers, mut last) = (HashMap::new(), HashMap::new(), HashMap::new());
        for Happening { time, what } in &team.happenings {
            match what {
                What::Enrolled(enrolled) => {
                    used.extend(enrolled.invitation.map(|used| (used.invitation, *time)));
                    last.extend([enrolled.account].into_iter().chain(enrolled.on_behalf_of).map(|of| (of, *time)));
                }
                What::PortalAnswered { enrollment, answer, .. } => drop(answers.insert(*enrollment, *answer)),
                _ => {}
            }
        }
        Casting {
            seed: plan.seed,
            team: team.index,
            is_migrating: team.index.is_multiple_of(MIGRATES),
            erased: plan.erased(),
            left,
            devices: 0,
            acts: Vec::new(),
            people: HashMap::new(),
            phones: HashMap::new(),
            held: HashMap::new(),
            ended: HashMap::new(),
            renewed: HashSet::new(),
            udids: HashMap::new(),
            answers,
            invitations: HashMap::new(),
            used,
            last,
            imports: Imports::new(plan.seed, shape.calendar.exports.len()),
            continued: HashSet::new(),
        }
    }

    fn import(&mut self, nth: usize, time: i64, is_complete: bool, rows: Vec<population::ExportRow>) {
        if self.is_migrating {
            let acts = self.imports.read((nth, time, is_complete), rows, self.team, &self.people);
            self.acts.extend(acts);
        }
    }

    pub(crate) fn plan(&mut self, time: i64, act: Act) {
        if (START..END - HOUR).contains(&time) {
            self.acts.push((time, act));
        }
    }

    // A device does nothing before its enrollment is complete.
    fn plan_for(&mut self, time: i64, phone: &Phone, act: Act) {
        self.plan(time.max(phone.enrolled + HOUR), act);
    }

    fn dice(&self, purpose: u64, number: u32, time: i64) -> Dice {
        Dice::of(&[self.seed, purpose, u64::from(number), time as u64])
    }

    fn phone(&self, enrollment: population::EnrollmentId) -> Option<Arc<Phone>> {
        let phone = self.phones.get(&enrollment)?;
        (!self.ended.contains_key(&phone.device)).then(|| Arc::clone(phone))
    }

    fn read(&mut self, Happening { time, what }: &Happening, truth: &population::Truth) {
        let time = *time;
        match what {
            What::AccountOpened { account, names } => {
                let who = Arc::new(Who::new(self.seed, self.team, account.0, names.clone()));
                self.people.insert(*account, Arc::clone(&who));
                if who.provider().name == crate::secrets::LOCAL {
                    self.plan(time.max(START + DAY), Act::AddLocalAccount(who));
                }
            }
            What::AccountClosed { account } => self.close_account(time, *account),
            What::PersonRenamed { account, after, .. } => {
                let who = Arc::new(Who::new(self.seed, self.team, account.0, after.clone()));
                // Muster learns the new names at the next sign-in.
                self.people.insert(*account, who);
            }
            What::InvitationIssued { invitation, account, delivery } => {
                self.issue(time, *invitation, *account, *delivery);
            }
            What::CodeShown { opening: _, code: _ } | What::InvitationOpened { .. } | What::ExportImported(_) => {}
            What::PortalAnswered { .. } => {}
            What::Enrolled(enrolled) => self.enroll(time, enrolled, truth),
            What::Restored { enrollment, .. } => {
                if let Some(phone) = self.phone(*enrollment) {
                    self.plan_for(time, &Arc::clone(&phone), Act::RenewToken(phone));
                }
            }
            What::Contact { enrollment, os } => self.contact(time, *enrollment, version(*os)),
            What::OsUpdated { enrollment, os } => self.update(time, *enrollment, version(*os)),
            What::CheckedOut { enrollment } => self.check_out(time, *enrollment),
            What::PushAnswered { enrollment, answer } => {
                if let (Some(phone), PushAnswer::Gone) = (self.phone(*enrollment), answer) {
                    self.ended.insert(phone.device, time);
                    if time + 15 * DAY < END {
                        self.plan(time, Act::FailPush(phone));
                    }
                }
            }
        }
    }

    fn contact(&mut self, time: i64, enrollment: population::EnrollmentId, os: OsVersion) {
        let mut dice = self.dice(70, enrollment.0, time);
        let Some(phone) = self.phone(enrollment).filter(|phone| time > phone.enrolled + DAY) else { return };
        let is_due = time > phone.enrolled + (IDENTITY_DAYS - 180) * DAY && time + 2 * DAY < phone.until;
        if is_due && self.renewed.insert(phone.device) {
            let os = os.max(phone.os);
            return self.plan(time, Act::Renew { phone, os });
        }
        match dice.below(1_000) {
            0..8 => self.plan(time, Act::HearFrom(phone)),
            8..14 => self.plan(time, Act::RenewToken(phone)),
            _ => {}
        }
    }

    fn update(&mut self, time: i64, enrollment: population::EnrollmentId, os: OsVersion) {
        let mut dice = self.dice(71, enrollment.0, time);
        let phone = self.phone(enrollment).filter(|phone| time + DAY < phone.until && phone.os < os);
        if let Some(phone) = phone.filter(|phone| dice.chance(20) && phone.os.major > 15) {
            self.plan(time, Act::Refresh { phone, os });
        }
    }

    fn check_out(&mut self, time: i64, enrollment: population::EnrollmentId) {
        let Some(phone) = self.phone(enrollment) else { return };
        self.ended.insert(phone.device, time);
        let is_by_server = self.dice(72, enrollment.0, 0).chance(100);
        let act = if is_by_server { Act::Unenroll(Arc::clone(&phone)) } else { Act::CheckOut(Arc::clone(&phone)) };
        self.plan_for(time, &phone, act);
    }

    // Some people ask for erasure some time after they left.
    fn close_account(&mut self, time: i64, account: AccountId) {
        let erased = time + 60 * DAY;
        let returns = self.last.get(&account).is_some_and(|last| *last > time);
        if let Some(who) = self.people.get(&account)
            && !returns
            && self.dice(73, account.0, 0).chance(self.erased)
        {
            self.plan(erased, Act::Erase(Arc::clone(who)));
        }
    }

    fn record(&self, record: OldRecord) -> Option<RecordId> {
        match record {
            OldRecord::Exported(record) => self.imports.known(record),
            OldRecord::Enrolled(enrollment) => {
                self.phones.get(&enrollment).map(|phone| RecordId::of_device(phone.device))
            }
        }
    }

    fn issue(
        &mut self,
        time: i64,
        invitation: population::InvitationId,
        account: Option<AccountId>,
        delivery: Delivery,
    ) {
        let to = account.and_then(|account| self.people.get(&account)).cloned();
        let (Some(to), true) = (to, self.is_migrating && time > START) else { return };
        let id = InvitationId(self.dice(74, invitation.0, 0).uuid_derived());
        let record = match delivery {
            Delivery::DeviceBound { record } => self.record(record),
            Delivery::Mail | Delivery::Code { .. } => None,
        };
        let delivery = match (delivery, record) {
            (Delivery::DeviceBound { .. }, Some(_)) => InvitationDelivery::WebClip,
            (Delivery::DeviceBound { .. }, None) => return,
            (Delivery::Mail, _) => InvitationDelivery::Mail,
            (Delivery::Code { .. }, _) => InvitationDelivery::ByHand,
        };
        let wave = record.filter(|record| record.is_imported());
        let wave = wave.map(|_| wave_id(self.seed, u64::from(time > WAVES[1])));
        self.invitations.insert(invitation, (id, account));
        let used = self.used.get(&invitation).copied();
        let inviting = Inviting { invitation: id, to, is_known: false, record, wave, delivery, used };
        self.plan(time, Act::Invite(Box::new(inviting)));
    }

    fn enroll(&mut self, time: i64, enrolled: &Enrolled, truth: &population::Truth) {
        let owner = enrolled.on_behalf_of.unwrap_or(enrolled.account);
        let people = (self.people.get(&enrolled.account).cloned(), self.people.get(&owner).cloned());
        let (Some(by), Some(person)) = people else { return };
        if self.left == 0 || !(START + DAY..END - 2 * DAY).contains(&time) {
            return;
        }
        (self.left, self.devices) = (self.left - 1, self.devices + 1);
        let until = truth.records.get(&OldRecord::Enrolled(enrolled.enrollment)).and_then(|truth| truth.until);
        let phone = Arc::new(phone(self.seed, time, enrolled, Arc::clone(&person), until.unwrap_or(END)));
        let continues = truth.enrollments.get(&enrolled.enrollment).and_then(|truth| truth.continues);
        let managed = |phone: &&Arc<Phone>| self.ended.get(&phone.device).is_none_or(|ended| *ended > time);
        let earlier = self
            .held
            .get(&owner)
            .into_iter()
            .flatten()
            .filter(managed)
            .map(|earlier| Earlier { device: earlier.device, is_same_family: earlier.family() == phone.family() });
        let earlier: Vec<Earlier> = earlier.collect();
        let imported: Vec<RecordId> =
            if self.is_migrating { self.imports.records_of(&person.names.user_name) } else { vec![] };
        let answer = self.answer(enrolled, &earlier, &imported);
        let claims = phone.hardware.as_ref().and_then(|(_, udid)| self.udids.get(udid)).filter(managed).cloned();
        let is_attested = enrolled.hardware.as_ref().is_some_and(|hardware| hardware.attested);
        let invitation = self.invitation(enrolled, owner, time);
        let link = continues.and_then(|record| {
            self.link(record, &phone, (answer, invitation.is_some(), is_attested && claims.is_some()))
        });
        let link = link.or_else(|| self.resembles(&phone, owner, answer));
        self.continued.extend(link.as_ref().map(|link| link.record));
        if let Some(older) = claims.as_ref().filter(|_| is_attested) {
            self.ended.insert(older.device, time);
        }
        self.keep(enrolled, owner, &phone);
        self.trouble(&phone);
        self.fail_before(time - VISIT, &phone);
        let (by_known, owner_known, accepted) = (Known::Yes, Known::Yes, false);
        let enrolling = Enrolling {
            phone,
            by,
            by_known,
            owner_known,
            accepted,
            earlier,
            imported,
            answer,
            invitation,
            claims,
            is_attested,
            link,
        };
        self.plan(time - VISIT, Act::Enroll(Box::new(enrolling)));
    }

    fn keep(&mut self, enrolled: &Enrolled, owner: AccountId, phone: &Arc<Phone>) {
        self.phones.insert(enrolled.enrollment, Arc::clone(phone));
        self.held.entry(owner).or_default().push(Arc::clone(phone));
        if let Some((_, udid)) = &phone.hardware {
            self.udids.insert(Arc::clone(udid), Arc::clone(phone));
        }
    }

    fn answer(
        &self,
        enrolled: &Enrolled,
        earlier: &[Earlier],
        imported: &[RecordId],
    ) -> Option<(RecordId, PreviousAnswer)> {
        let own = earlier.iter().map(|earlier| RecordId::of_device(earlier.device));
        let shown: Vec<RecordId> = own.chain(imported.iter().copied()).collect();
        match self.answers.get(&enrolled.enrollment)? {
            Answer::Record(record) => {
                let record = self.record(*record).filter(|record| shown.contains(record))?;
                Some((record, PreviousAnswer::ThisDevice))
            }
            Answer::NoneOfThem => shown.first().map(|record| (*record, PreviousAnswer::AnotherDevice)),
            Answer::NotAnswered => None,
        }
    }

    fn invitation(
        &mut self,
        enrolled: &Enrolled,
        owner: AccountId,
        time: i64,
    ) -> Option<(InvitationId, InvitationToken)> {
        let used = enrolled.invitation?;
        let (id, to) = self.invitations.get(&used.invitation).copied()?;
        if to != Some(owner) {
            return None;
        }
        let token = match used.through {
            Through::Browser { .. } => InvitationToken::Link,
            Through::Code { opening: Some(_), .. } => InvitationToken::DeviceCode,
            Through::Code { opening: None, .. } => InvitationToken::Code,
        };
        if token == InvitationToken::DeviceCode {
            self.plan(time - VISIT - 240, Act::ShowCode(id));
        }
        Some((id, token))
    }

    fn link(
        &self,
        record: OldRecord,
        phone: &Phone,
        (answer, invited, is_attested): (Option<(RecordId, PreviousAnswer)>, bool, bool),
    ) -> Option<Link> {
        let id = self.record(record)?;
        let own = match record {
            OldRecord::Enrolled(enrollment) => self.phones.get(&enrollment).cloned(),
            OldRecord::Exported(_) => None,
        };
        if own.as_ref().is_some_and(|own| own.owner.person != phone.owner.person) || self.continued.contains(&id) {
            return None;
        }
        let checked_out = own.as_ref().and_then(|own| self.ended.get(&own.device)).copied();
        let is_same_model = own.as_ref().is_none_or(|own| own.product == phone.product);
        let answer = answer.filter(|(record, _)| *record == id).map(|(_, answer)| answer);
        Some(Link { record: id, own, checked_out, is_same_model, answer, invited, is_attested })
    }

    // A device of the same person and model looks like an earlier one, which is heard from again soon.
    fn resembles(&self, phone: &Phone, owner: AccountId, answer: Option<(RecordId, PreviousAnswer)>) -> Option<Link> {
        let is_alive = |own: &&Arc<Phone>| {
            own.until > phone.enrolled + 2 * DAY
                && own.enrolled + 90 * DAY < phone.enrolled
                && !self.ended.contains_key(&own.device)
        };
        let alike = |own: &&Arc<Phone>| own.family() == phone.family() && own.kind == phone.kind;
        let own = self.held.get(&owner)?.iter().filter(is_alive).find(alike)?;
        let record = RecordId::of_device(own.device);
        let answer = answer.filter(|(of, _)| *of == record).map(|(_, answer)| answer);
        let is_same_model = own.product == phone.product;
        let own = Some(Arc::clone(own)).filter(|_| !self.continued.contains(&record))?;
        let (checked_out, invited, is_attested) = (None, false, false);
        Some(Link { record, own: Some(own), checked_out, is_same_model, answer, invited, is_attested })
    }

    // A few devices have a trouble.
    fn trouble(&mut self, phone: &Arc<Phone>) {
        let mut dice = phone.dice(75);
        let (from, until) = (phone.enrolled, phone.until);
        if until > from + 80 * DAY {
            let nth = dice.below(450);
            let time = dice.between(from + 3 * DAY, from + 25 * DAY);
            if nth < troubles::COUNT {
                let others = self.held.get(&AccountId(phone.owner.account)).into_iter().flatten();
                let other = others.filter(|other| other.device != phone.device).map(|other| other.device).next_back();
                self.plan(time, Act::Trouble { phone: Arc::clone(phone), nth, other });
            }
        }
    }

    // One enrollment in eighteen succeeds at the second attempt.
    fn fail_before(&mut self, time: i64, phone: &Arc<Phone>) {
        let mut dice = phone.dice(76);
        if dice.below(18) == 0 {
            let (who, platform) = (Arc::clone(&phone.owner), phone.platform());
            let (known, nth) = (Known::Yes, dice.below(failing::COUNT));
            self.plan(time - dice.between(26 * HOUR, 4 * DAY), Act::Fail { who, known, platform, nth });
        }
    }

    // The migration is closed: what becomes of the records that nobody enrolled again.
    fn close(&mut self) -> Vec<RecordId> {
        let mut shredded = Vec::new();
        let mut records: Vec<RecordId> = self.imports.all().filter(|record| !self.continued.contains(record)).collect();
        records.sort();
        for record in records {
            let (high, low) = record.0.as_u64_pair();
            let mut dice = Dice::of(&[self.seed, 77, high, low]);
            match dice.below(1_000) {
                0..50 => self.plan(dice.between(population::date(2026, 6, 20), CLOSED), Act::Except(record)),
                nth if nth - 50 < self.erased => {
                    shredded.push(record);
                    self.plan(SHREDDED, Act::Shred(record));
                }
                _ => {}
            }
        }
        self.join_waves();
        shredded
    }

    fn join_waves(&mut self) {
        if !self.is_migrating {
            return;
        }
        for (wave, time) in (0..).zip(WAVES) {
            let (records, skipped) = self.imports.for_wave(wave);
            if !records.is_empty() {
                self.plan(time + 60 + i64::from(self.team % 1_800), Act::AddToWave { wave, records, skipped });
            }
        }
    }
}
