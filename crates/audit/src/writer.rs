use std::fs::File;
use std::io;
use std::mem;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use strongroom_core::Clock;
use strongroom_core::ports::AuditError;

use crate::ahead::WriteAhead;
use crate::changes::OpenChanges;
use crate::entry::{Entry, fitting};
use crate::error::FileError;
use crate::folder::Folder;
use crate::header::{FORMAT, Header, Incident};
use crate::line::Head;
use crate::outage::{Outage, Pace};
use crate::queue::Queue;
use crate::segment::{Begun, Draft, Extent};
use crate::signer::Signer;
use crate::status::Status;
use crate::tampering::{Fault, Tampering};

/// How long the journal rests after a sync where records are to gather.
pub(crate) const GATHER: Duration = Duration::from_millis(2);

/// How often a segment that nobody writes into is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Makes what was written durable. The one thing that no test can make fail on a real disk.
pub(crate) trait Disk: Send {
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The disk itself.
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// The disk itself, telling how long each sync takes.
pub(crate) struct TimedDisk(pub(crate) Arc<dyn Fn(Duration) + Send + Sync>);

impl Disk for TimedDisk {
    fn sync(&self, file: &File) -> io::Result<()> {
        let begun = Instant::now();
        let synced = RealDisk.sync(file);
        (self.0)(begun.elapsed());
        synced
    }
}

/// The one owner of the journal's files.
pub(crate) struct Writer {
    pub(crate) folder: Folder,
    pub(crate) node: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: Box<dyn Disk>,
    pub(crate) segment_bytes: u64,
    pub(crate) signer: Signer,
    pub(crate) status: Arc<Status>,
    /// Whether records are to gather now.
    pub(crate) gathers: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    /// Where the chain of durable records stands.
    pub(crate) head: Head,
    /// The newest segment and how much of it is durable.
    pub(crate) extent: Extent,
    /// What of it is not durable in its own file yet.
    pub(crate) ahead: WriteAhead,
    pub(crate) state: State,
    pub(crate) pace: Pace,
    /// Changes under way, by durable records.
    pub(crate) open: OpenChanges,
    /// Outcomes whose effect has happened and whose record could not be written yet.
    pub(crate) owed: Vec<Entry>,
    pub(crate) buffer: Vec<u8>,
}

/// Whether the newest segment takes records.
pub(crate) enum State {
    Live(File),
    Out(Outage),
}

/// How a write becomes durable.
#[derive(Clone, Copy)]
enum Way {
    /// In the write-ahead file, if it has room.
    Ahead,
    /// In the segment's own file, with all that was written before.
    Segment,
}

impl Writer {
    /// Writes what comes until the queue is closed and empty.
    pub(crate) fn run(mut self, queue: &Queue) {
        let mut entries = Vec::new();
        loop {
            let patience = match &self.state {
                State::Live(_) => LOOK,
                State::Out(outage) => outage.wait(),
            };
            let more = queue.take(&mut entries, patience);
            if entries.is_empty() {
                if !more {
                    return self.finish();
                }
                if self.be_ready().is_ok() {
                    self.sign_if_due();
                    self.flush().ok();
                }
                continue;
            }
            while !entries.is_empty() {
                let batch = entries.drain(..fitting(&entries)).collect();
                self.store(batch);
            }
            if self.gathers.as_ref().is_some_and(|gathers| gathers()) {
                thread::sleep(GATHER);
            }
        }
    }

    /// Tries once more to write what is owed. What still is has its intent on record, and is settled at the
    /// next start.
    fn finish(mut self) {
        if !self.owed.is_empty() && matches!(self.state, State::Out(_)) {
            self.recover().ok();
        }
        if self.signer.has_unsigned() && self.be_ready().is_ok() {
            self.sign().ok();
        }
        if self.flush().is_ok() {
            self.ahead.blank().ok();
        }
    }

    /// Vouches for what no checkpoint covers yet, when it has waited long enough.
    fn sign_if_due(&mut self) {
        if self.signer.is_due() {
            self.sign().ok();
        }
    }

    /// Adds a checkpoint, and makes it and all that it vouches for durable in the segment itself: whoever knows it from
    /// elsewhere finds that there, too, before a crash is mended. One that can't be written is made when the journal has
    /// recovered.
    fn sign(&mut self) -> Result<(), AuditError> {
        let at = self.clock.now();
        let body = self.signer.checkpoint(&self.node, self.extent.number, self.head, at)?;
        self.write(&[Entry::own(body)], Way::Segment)?;
        self.signer.signed();
        Ok(())
    }

    /// Makes a batch of records durable together and tells every caller.
    fn store(&mut self, mut batch: Vec<Entry>) {
        let stored = match self.be_ready() {
            Ok(()) => self.write(&batch, Way::Ahead),
            Err(error) => Err(error),
        };
        match stored {
            Ok(()) => {
                for entry in &mut batch {
                    entry.answer(Ok(()));
                }
                self.committed(batch);
                self.rotate();
                self.sign_if_due();
            }
            Err(error) => {
                for mut entry in batch {
                    entry.answer(Err(error.clone()));
                    self.owe(entry);
                }
            }
        }
    }

    /// Makes sure that the segment is sound, or gets out of an outage when it is time to try.
    fn be_ready(&mut self) -> Result<(), AuditError> {
        match &self.state {
            State::Live(file) => match self.extent.check(file).and_then(|()| self.ahead.check()) {
                Ok(()) => Ok(()),
                Err(fault) => Err(self.fail(fault)),
            },
            State::Out(outage) if outage.wait().is_zero() => self.recover(),
            State::Out(_) => Err(self.status.error()),
        }
    }

    fn write(&mut self, entries: &[Entry], way: Way) -> Result<(), AuditError> {
        let State::Live(file) = &self.state else { return Err(self.status.error()) };
        let mut head = self.head;
        self.buffer.clear();
        for entry in entries {
            head.append(&entry.body, &mut self.buffer);
        }
        // At its offset rather than at the end: what somebody else appends can't come to stand before it.
        let writing = || FileError::when("write", self.extent.path());
        let appended = file.write_all_at(&self.buffer, self.extent.len).map_err(writing());
        let written = appended.and_then(|()| {
            if matches!(way, Way::Ahead) && self.ahead.has_room_for(self.buffer.len()) {
                return self.ahead.write(&self.buffer, &*self.disk);
            }
            self.disk.sync(file).map_err(writing())?;
            self.ahead.clear();
            Ok(())
        });
        match written {
            Ok(()) => {
                self.extent.len += u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
                self.head = head;
                self.pace = Pace::default();
                self.signer.wrote();
                self.status.wrote(entries.len());
                self.status.durable_to(self.extent.end());
                Ok(())
            }
            Err(error) => Err(self.fail(error.into())),
        }
    }

    /// Makes the segment's own file durable, so that it needs the write-ahead file no more.
    fn flush(&mut self) -> Result<(), AuditError> {
        let State::Live(file) = &self.state else { return Err(self.status.error()) };
        if self.ahead.pending().is_empty() {
            return Ok(());
        }
        match self.disk.sync(file).map_err(FileError::when("sync", self.extent.path())) {
            Ok(()) => {
                self.ahead.clear();
                Ok(())
            }
            Err(error) => Err(self.fail(error.into())),
        }
    }

    /// Takes in what durable records say about changes.
    fn committed(&mut self, entries: Vec<Entry>) {
        for step in entries.into_iter().filter_map(|entry| entry.step) {
            self.open.apply(step);
        }
    }

    /// Keeps an outcome that could not be written, if its change is one that is under way: those are as few
    /// as the requests at work. A later outcome of the same change tells all that an earlier one did.
    fn owe(&mut self, entry: Entry) {
        let Some(change) = entry.outcome_of().filter(|change| self.open.contains(*change)) else { return };
        self.owed.retain(|owed| owed.outcome_of() != Some(change));
        self.owed.push(entry);
        self.status.owes(self.owed.len());
    }

    /// Closes the segment's file, whose state is not known any more.
    fn fail(&mut self, fault: Fault) -> AuditError {
        let reason = fault.to_string();
        match fault {
            Fault::Tampered { .. } => tracing::error!(reason, "the audit journal was tampered with"),
            Fault::File(_) => tracing::error!(reason, "the audit journal can't be written"),
        }
        self.status.fail(&reason);
        self.state = State::Out(Outage { fault, next_try: self.pace.next_try() });
        AuditError { reason }
    }

    /// Begins a segment that continues from the last durable record, and pays what is owed.
    fn recover(&mut self) -> Result<(), AuditError> {
        if let Err(fault) = self.try_to_recover() {
            let reason = fault.to_string();
            if self.status.fail(&reason) {
                tracing::error!(reason, "the audit journal can't recover");
            }
            if let State::Out(outage) = &mut self.state {
                outage.next_try = self.pace.next_try();
            }
            return Err(AuditError { reason });
        }
        self.pay()?;
        self.status.recover();
        tracing::warn!(segment = self.extent.number, "the audit journal has recovered");
        Ok(())
    }

    /// Writes the outcomes that are owed.
    fn pay(&mut self) -> Result<(), AuditError> {
        while !self.owed.is_empty() {
            let mut owed = mem::take(&mut self.owed);
            let mut later = owed.split_off(fitting(&owed));
            let written = self.write(&owed, Way::Ahead);
            if written.is_ok() {
                self.committed(owed);
            } else {
                later.splice(0..0, owed);
            }
            self.owed = later;
            self.status.owes(self.owed.len());
            written?;
        }
        Ok(())
    }

    fn try_to_recover(&mut self) -> Result<(), Fault> {
        let State::Out(outage) = &self.state else { return Ok(()) };
        if !self.folder.is_sound()? {
            let path = self.folder.path().to_owned();
            return Err(Fault::Tampered { path, found: Tampering::FolderReplaced });
        }
        // First of all, since it is what fails, and cheaply, as long as the disk is full or read-only.
        let draft = Draft::create(&self.folder, self.extent.number + 1)?;
        let of_segment = match &outage.fault {
            Fault::Tampered { found, .. } if !self.ahead.is_at_fault(&outage.fault) => {
                Some(found.to_string())
            }
            _ => match self.extent.settle(self.head, self.ahead.pending()) {
                Ok(()) => None,
                Err(Fault::Tampered { found, .. }) => Some(found.to_string()),
                Err(fault) => return Err(fault),
            },
        };
        if of_segment.is_some() {
            self.extent.leave()?;
        }
        let of_ahead = self.ahead.renew(&self.folder, &outage.fault)?;
        let of_ahead = of_ahead.map(|found| format!("its write-ahead file was tampered with: {found}"));
        let found: Vec<String> = of_segment.into_iter().chain(of_ahead).collect();
        let incident = if found.is_empty() {
            Incident::WriteFailed { reason: outage.fault.to_string() }
        } else {
            Incident::Tampered { found: found.join("; ") }
        };
        Ok(self.begin(draft, Some(incident))?)
    }

    /// Goes on in a fresh segment when this one has reached its size.
    fn rotate(&mut self) {
        if self.extent.len < self.segment_bytes {
            return;
        }
        if self.sign().is_err() {
            return;
        }
        let begun = Draft::create(&self.folder, self.extent.number + 1);
        if let Err(error) = begun.and_then(|draft| self.begin(draft, None)) {
            self.fail(error.into());
        }
    }

    /// Publishes the draft as the newest segment. The one before has to be durable by itself.
    pub(crate) fn begin(&mut self, draft: Draft, after: Option<Incident>) -> Result<(), FileError> {
        let header = Header {
            at: self.clock.now().to_string(),
            format: FORMAT,
            node: self.node.clone(),
            segment: self.extent.number + 1,
            previous: self.head.hash,
            key: self.signer.key(),
            open: self.open.to_header(),
            after,
        };
        let Begun { file, extent, head } = draft.publish(&self.folder, self.head, &header)?;
        self.head = head;
        self.status.writes_into(extent.number);
        self.extent = extent;
        self.ahead.clear();
        self.status.durable_to(self.extent.end());
        self.state = State::Live(file);
        Ok(())
    }
}
