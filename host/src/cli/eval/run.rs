//! Asks every item of every alias that is not answered yet, a bounded number at once, and writes each answer down.
use super::Settings;
use super::client::Client;
use super::line::Line;
use super::progress::{Counts, Progress};
use super::transcript::Transcript;
use futures_util::{StreamExt as _, stream};
use magic_eval::Item;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use tokio::time::Instant;

/// A server that fails so often in a row for one alias is down, or the request is not to its liking.
const ERRORS_IN_A_ROW_MAX: usize = 10;

/// How every question is asked.
pub(super) struct Asking {
    pub(super) client: Client,
    pub(super) settings: Settings,
    /// Aliases that may take several calls for one answer.
    pub(super) reasoning: HashSet<String>,
}

pub(super) enum End {
    Done,
    /// By a signal.
    Stopped,
    /// Nothing but errors.
    Hopeless(String),
}

pub(super) struct Ended {
    pub(super) end: End,
    pub(super) transcripts: Vec<Transcript>,
}

enum Event {
    Answer(Option<(usize, Box<Line>)>),
    Stop,
}

/// # Errors
/// When a transcript cannot be written.
pub(super) async fn run(
    asking: &Asking,
    items: &[Item],
    mut transcripts: Vec<Transcript>,
    parallel: usize,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Ended> {
    let aliases: Vec<String> = transcripts.iter().map(|transcript| transcript.alias().to_owned()).collect();
    // Item by item rather than alias by alias: a run that is stopped has pairs to compare, and a slow hour hits all alike.
    let jobs: Vec<(usize, &Item)> = items
        .iter()
        .flat_map(|item| (0..aliases.len()).map(move |alias| (alias, item)))
        .filter(|(alias, item)| !transcripts.get(*alias).is_some_and(|one| one.is_answered(&item.id)))
        .collect();
    let counts = transcripts.iter().map(|one| (one.alias().to_owned(), counts(one, items))).collect();
    let mut progress = Progress::new(items.len() * aliases.len(), counts, Instant::now());
    let asked = jobs.into_iter().map(|(alias, item)| {
        let name = aliases.get(alias).map_or("", String::as_str);
        async move { (alias, Box::new(asking.ask(name, item).await)) }
    });
    let mut answers = pin!(stream::iter(asked).buffer_unordered(parallel));
    let mut stop = pin!(stop);
    let mut in_a_row = vec![0; aliases.len()];
    let end = loop {
        let event = tokio::select! {
            answer = answers.next() => Event::Answer(answer),
            () = &mut stop => Event::Stop,
        };
        match event {
            Event::Stop => break End::Stopped,
            Event::Answer(None) => break End::Done,
            Event::Answer(Some((alias, line))) => {
                progress.add(alias, line.outcome().correct, Instant::now());
                let hopeless = hopeless(&mut in_a_row, alias, &line);
                if let Some(transcript) = transcripts.get_mut(alias) {
                    transcript.add(*line)?;
                }
                if let Some(why) = hopeless {
                    break End::Hopeless(format!("{} failed {why}", aliases.get(alias).map_or("", String::as_str)));
                }
            }
        }
    };
    progress.end();
    Ok(Ended { end, transcripts })
}

fn hopeless(in_a_row: &mut [usize], alias: usize, line: &Line) -> Option<String> {
    let count = in_a_row.get_mut(alias)?;
    *count = if line.error.is_some() { *count + 1 } else { 0 };
    let why = line.error.as_ref().filter(|_| *count >= ERRORS_IN_A_ROW_MAX)?;
    Some(format!("{count} times in a row, at last with: {why}"))
}

fn counts(transcript: &Transcript, items: &[Item]) -> Counts {
    items.iter().filter_map(|item| transcript.outcome(&item.id)?.correct).fold(
        Counts::default(),
        |mut counts, correct| {
            counts.answered += 1;
            counts.right += usize::from(correct);
            counts
        },
    )
}

// === impl Asking ===
impl Asking {
    async fn ask(&self, alias: &str, item: &Item) -> Line {
        let messages = self.messages(item);
        let Settings { temperature, max_tokens, seed, system: _, prompt_suffix: _ } = &self.settings;
        let mut body = json!({ "model": alias, "stream": false, "messages": messages });
        let more = [
            ("tools", (!item.tools.is_empty()).then(|| json!(item.tools))),
            ("temperature", temperature.map(Value::from)),
            ("max_tokens", max_tokens.map(Value::from)),
            ("seed", seed.map(Value::from)),
        ];
        if let Some(fields) = body.as_object_mut() {
            fields.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        let exchange = self.client.ask(&body).await;
        Line::new(item, messages, exchange, self.reasoning.contains(alias))
    }

    fn messages(&self, item: &Item) -> Vec<Value> {
        let system = self.settings.system.iter().map(|text| json!({ "role": "system", "content": text }));
        let mut messages: Vec<Value> = system.chain(item.messages.iter().cloned()).collect();
        if let (Some(suffix), Some(last)) = (&self.settings.prompt_suffix, messages.last_mut()) {
            match &mut last["content"] {
                Value::String(text) => *text = format!("{text}\n\n{suffix}"),
                Value::Array(parts) => parts.push(json!({ "type": "text", "text": suffix })),
                _ => {}
            }
        }
        messages
    }
}
