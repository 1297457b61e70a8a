use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::ahead::{self, Rest, WriteAhead};
use crate::changes::OpenChanges;
use crate::error::{FileError, OpenError};
use crate::folder::{Folder, node, node_path, segment_path, segments};
use crate::header::{Header, Incident};
use crate::journal::Options;
use crate::line::Head;
use crate::outage::Pace;
use crate::scan::{Scan, ScanError, scan};
use crate::segment::{Begun, Draft, Extent, reopen};
use crate::signer::Signer;
use crate::signing_key::SigningKey;
use crate::status::Status;
use crate::writer::{Disk, State, Writer};

/// Opens the folder and makes the writer that goes on where the journal ends.
pub(crate) fn start(path: &Path, options: Options, disk: Box<dyn Disk>) -> Result<Writer, OpenError> {
    let folder = Folder::open(path, options.create)?;
    let last = segments(path)?.last().copied();
    let (ground, key) = match (node(path)?, last) {
        (None, None) => {
            let key = SigningKey::load_or_create(&folder)?;
            (found(&folder, &options, &key)?, key)
        }
        (Some(_), None) => return Err(OpenError::NoSegments(path.to_owned())),
        (node, Some(number)) => {
            let key = SigningKey::load(path)?;
            (go_on(&folder, node, number)?, key)
        }
    };
    let Ground { node, head, file, extent, open, signed, torn, gone } = ground;
    let status = Arc::new(Status::default());
    status.writes_into(extent.number);
    status.durable_to(extent.end());
    let number = extent.number;
    let ahead = WriteAhead::open(&folder)?;
    let mut writer = Writer {
        folder,
        node,
        clock: options.clock,
        disk,
        segment_bytes: options.segment_bytes,
        signer: Signer::new(key, options.checkpoint_every, signed),
        status,
        gathers: options.gathers,
        head,
        extent,
        ahead,
        state: State::Live(file),
        pace: Pace::default(),
        open,
        owed: Vec::new(),
        buffer: Vec::new(),
    };
    if torn > 0 {
        mend(&mut writer, torn)?;
    }
    if let Some(gone) = gone {
        testify(&mut writer, number, &gone)?;
    }
    Ok(writer)
}

/// What a writer goes on from.
struct Ground {
    node: String,
    head: Head,
    file: File,
    extent: Extent,
    open: OpenChanges,
    signed: bool,
    torn: u64,
    gone: Option<RangeInclusive<u64>>,
}

/// Begins a node's journal. The node is named last, so that a crash in between leaves a folder that either
/// is empty or has a first segment with nothing but its header.
fn found(folder: &Folder, options: &Options, key: &SigningKey) -> Result<Ground, OpenError> {
    let node = Uuid::new_v4().to_string();
    let origin = Head::first(&node);
    let header = Header::first(&node, options.clock.now().to_string(), key.public());
    let Begun { file, extent, head } = Draft::create(folder, 1)?.publish(folder, origin, &header)?;
    folder.set_node(&node)?;
    let open = OpenChanges::default();
    Ok(Ground { node, head, file, extent, open, signed: true, torn: 0, gone: None })
}

/// Checks the last segment and opens it to write on.
fn go_on(folder: &Folder, node: Option<String>, number: u64) -> Result<Ground, OpenError> {
    let path = segment_path(folder.path(), number);
    let scan = || {
        scan(&path, number, u64::MAX).map_err(|error| match error {
            ScanError::File(error) => OpenError::File(error),
            ScanError::Damaged(damage) => OpenError::Damaged(damage),
        })
    };
    let mut found = scan()?;
    match node {
        Some(node) if node == found.node => {}
        None if number == 1 && found.records == 1 => folder.set_node(&found.node)?,
        _ => return Err(OpenError::NoNode { path: node_path(folder.path()), node: found.node }),
    }
    let Rest { lines, gone } = ahead::rest(folder.path(), found.head)?;
    if !lines.is_empty() {
        complete(&path, found.len, &lines).map_err(FileError::when("write", &path))?;
        found = scan()?;
    }
    let Scan { node, head, len, signed, open, torn, .. } = found;
    let file = reopen(&path, len)?;
    let extent = Extent::of(&file, number, path, len)?;
    Ok(Ground { node, head, file, extent, open, signed, torn, gone })
}

/// Writes the records that a crash has left in the write-ahead file alone to the segment.
fn complete(segment: &Path, at: u64, missing: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(segment)?;
    file.write_all_at(missing, at)?;
    tracing::warn!(
        bytes = missing.len(),
        "the audit journal was completed after a crash, from its write-ahead file"
    );
    Ok(())
}

/// Keeps what a crash left of its last write in a file beside, cuts it off, and goes on in a fresh segment,
/// whose header tells.
fn mend(writer: &mut Writer, torn: u64) -> Result<(), FileError> {
    let Extent { number, len, .. } = &writer.extent;
    let path = writer.extent.path();
    let kept = path.with_extension("jsonl.torn");
    let draft = Draft::create(&writer.folder, number + 1)?;
    keep(path, *len, &kept).map_err(FileError::when("write", &kept))?;
    writer.folder.sync()?;
    let segment = OpenOptions::new().write(true).open(path);
    let cut = segment.and_then(|segment| segment.set_len(*len).and_then(|()| segment.sync_all()));
    cut.map_err(FileError::when("cut", path))?;
    let kept = name(&kept).into_owned();
    tracing::warn!(
        bytes = torn,
        kept,
        "a crash left an unfinished write in the audit journal; it was cut off"
    );
    writer.begin(draft, Some(Incident::TornTail { bytes: torn, kept }))
}

/// Puts on record, in the header of a fresh segment, that durable records of that one were gone: no crash does that.
/// What the write-ahead file has of later ones is kept in a file beside.
fn testify(writer: &mut Writer, segment: u64, gone: &RangeInclusive<u64>) -> Result<(), FileError> {
    let kept = segment_path(writer.folder.path(), segment).with_extension("jsonl.later");
    let draft = Draft::create(&writer.folder, writer.extent.number + 1)?;
    keep(&ahead::path(writer.folder.path()), 0, &kept).map_err(FileError::when("write", &kept))?;
    writer.folder.sync()?;
    let found = format!(
        "records {} to {} of segment {segment} were gone when the journal was opened; what its write-ahead file had \
         of later ones is in {}",
        gone.start(),
        gone.end(),
        name(&kept)
    );
    tracing::error!(reason = found, "the audit journal was tampered with");
    writer.begin(draft, Some(Incident::Tampered { found }))?;
    // Those numbers are used again now, and what is in it would seem to follow them.
    writer.ahead = WriteAhead::create(&writer.folder)?;
    Ok(())
}

fn name(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// Copies what is in a file from there on to another, durably.
fn keep(file: &Path, from: u64, kept: &Path) -> io::Result<()> {
    let mut source = File::open(file)?;
    source.seek(io::SeekFrom::Start(from))?;
    let mut target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(kept)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()
}
