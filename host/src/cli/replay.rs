//! The verb `replay`: runs sessions again from what is on disk, without any model, and says whether they decide and say the
//! same. Needs no running gateway, asks nobody, and changes nothing.
use super::{Places, StartError, say};
use crate::app;
use clap::Args;

#[derive(Args)]
pub(super) struct Replay {
    /// Sessions by their ids; all that are on disk where none is named.
    sessions: Vec<String>,
    #[command(flatten)]
    places: Places,
}

/// One line a session. Fails when one of them does not agree with its log.
pub(super) async fn run(replay: Replay) -> Result<(), StartError> {
    let replays = app::replay(replay.places.into(), replay.sessions).await?;
    let mut disagree = 0;
    for (id, outcome) in &replays {
        let line = match outcome {
            Ok(checked) if checked.agrees() => format!("{id}  agrees  {} events", checked.events),
            Ok(checked) => {
                disagree += 1;
                let at = checked.parted_at.map_or_else(String::new, |entry| format!(" from entry {entry} on"));
                format!("{id}  DISAGREES{at}")
            }
            Err(failure) => {
                disagree += 1;
                format!("{id}  CANNOT BE REPLAYED: {}", failure.public)
            }
        };
        say(&format!("{line}\n"));
    }
    say(&format!("{} sessions, {disagree} that do not agree\n", replays.len()));
    match disagree {
        0 => Ok(()),
        _ => Err(StartError::Other(anyhow::anyhow!("replay {disagree} of {} sessions as they were", replays.len()))),
    }
}
