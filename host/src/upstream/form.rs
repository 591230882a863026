//! A client's upload on its way to a vendor: the model's name is put into the form, the rest streams through as it comes.
//! What has come is kept, within the bound of a body, so that another leg can be sent it as well.
use super::payload::{Google, Order, OrderBody, Reading};
use super::target::Target;
use crate::tasks::Tasks;
use bytes::Bytes;
use http::HeaderValue;
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Body;
use magic_dialects::dialect::Written;
use magic_dialects::multipart;
use magic_dialects::operation::Operation;
use magic_dialects::transcription;
use magic_dialects::vendor::Way;
use magic_types::{Failure, Kind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Of the whole upload; a slow line takes minutes for an hour of sound.
const UPLOAD_MAX: Duration = Duration::from_secs(600);
/// What one frame towards the vendor holds, and how many wait for it.
const FRAME_BYTES: usize = 64 << 10;
const FRAMES_MAX: usize = 4;

/// A form whose model is known; the rest of it may still be coming.
pub(crate) struct Form {
    pub(crate) operation: Operation,
    pub(crate) model: String,
    content_type: HeaderValue,
    arriving: Arc<Arriving>,
    tasks: Tasks,
}

/// What has come so far, and how it goes on.
struct Arriving {
    form: Mutex<multipart::Form>,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Debug, Default)]
struct Progress {
    bytes: usize,
    /// Of the whole body.
    ended: Option<Result<(), Failure>>,
}

/// The form as one leg is sent it. Can be sent again.
#[derive(Clone)]
pub(super) struct Upload {
    content_type: HeaderValue,
    /// All that is there, with the leg's model in it.
    begin: Bytes,
    /// Where in what has come the rest begins; `None`: there is none.
    rest: Option<(usize, Arc<Arriving>)>,
    tasks: Tasks,
}

impl Form {
    /// Reads as far as the model's name. What follows is read on by a task.
    ///
    /// # Errors
    /// A client's failure: no form, no model in it, too large, or cut off.
    pub(crate) async fn receive<B>(
        operation: Operation,
        content_type: &HeaderValue,
        body: B,
        bytes_max: usize,
        tasks: &Tasks,
    ) -> Result<Self, Failure>
    where
        B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        let kind = content_type.to_str().map_err(|_| invalid("the content type is not ASCII"))?;
        // Said beforehand: nobody needs to be asked to find out.
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(too_large(bytes_max));
        }
        let mut body = Box::pin(body);
        let mut form = multipart::Form::new(kind)?;
        let deadline = tokio::time::Instant::now() + UPLOAD_MAX;
        while form.text("model").is_none() {
            let Some(bytes) = within(deadline, &mut body).await? else { break };
            take_in(&mut form, &bytes, bytes_max)?;
        }
        let Some(model) = form.text("model").map(str::to_owned) else {
            return Err(invalid("you must provide a `model` field: name one of GET /v1/models"));
        };
        let (progress, _) = watch::channel(Progress { bytes: form.held().len(), ended: None });
        let arriving = Arc::new(Arriving { form: Mutex::new(form), progress });
        tasks.spawn("upload", Arc::clone(&arriving).read_on(body, bytes_max, deadline));
        Ok(Self { operation, model, content_type: content_type.clone(), arriving, tasks: tasks.clone() })
    }

    /// Why the rest of it will not come. A try that broke with it is the client's fault, not the vendor's.
    pub(super) fn broken(&self) -> Option<Failure> {
        let progress = self.arriving.progress.borrow();
        progress.ended.clone().and_then(Result::err)
    }

    /// # Errors
    /// What the form lacks for this leg.
    pub(super) async fn write<'t>(&self, target: &'t Target) -> Result<Order<'t>, Failure> {
        let door = target.door(self.operation).map_err(|why| Failure::new(Kind::Internal, why))?;
        if door.way == Way::GoogleTranscription {
            self.arriving.whole().await?;
            let (Written { body, lost }, asked) = transcription::write(&self.arriving.form())?;
            let reading = Reading::Google(Google::Transcription(asked));
            return Ok(Order { door, body: OrderBody::Json(body), streams: false, reading, lost });
        }
        let form = self.arriving.form();
        let begin = form.with("model", &target.profile.model).into();
        let rest = (!form.is_whole()).then(|| (form.held().len(), Arc::clone(&self.arriving)));
        let (content_type, tasks) = (self.content_type.clone(), self.tasks.clone());
        let streams = form.text("stream").is_some_and(|value| value == "true");
        let body = OrderBody::Form(Upload { content_type, begin, rest, tasks });
        Ok(Order { door, body, streams, reading: Reading::Raw, lost: Vec::new() })
    }
}

impl Upload {
    pub(super) fn content_type(&self) -> HeaderValue {
        self.content_type.clone()
    }

    pub(super) fn body(&self) -> reqwest::Body {
        let Some((from, arriving)) = &self.rest else { return self.begin.clone().into() };
        let (sender, channel) = Channel::<Bytes, std::io::Error>::new(FRAMES_MAX);
        self.tasks.spawn("upload", pass_on(sender, self.begin.clone(), *from, Arc::clone(arriving)));
        reqwest::Body::wrap(Either::<Channel<Bytes, std::io::Error>, Full<Bytes>>::Left(channel))
    }
}

/// Ends early when the vendor's connection is gone.
async fn pass_on(
    mut sender: http_body_util::channel::Sender<Bytes, std::io::Error>,
    begin: Bytes,
    mut from: usize,
    arriving: Arc<Arriving>,
) {
    if sender.send_data(begin).await.is_err() {
        return;
    }
    let mut progress = arriving.progress.subscribe();
    loop {
        let seen = progress.wait_for(|progress| progress.bytes > from || progress.ended.is_some()).await;
        let Ok(seen) = seen.map(|seen| seen.clone()) else { return };
        while from < seen.bytes {
            let frame = arriving.frame(from);
            from += frame.len();
            if frame.is_empty() || sender.send_data(frame).await.is_err() {
                return;
            }
        }
        match seen.ended {
            None => {}
            Some(Ok(())) => return,
            // The vendor must not take a half form for a whole one.
            Some(Err(failure)) => return sender.abort(std::io::Error::other(failure.public)),
        }
    }
}

impl Arriving {
    fn form(&self) -> MutexGuard<'_, multipart::Form> {
        self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn frame(&self, from: usize) -> Bytes {
        let form = self.form();
        let rest = form.held().get(from..).unwrap_or_default();
        Bytes::copy_from_slice(rest.get(..FRAME_BYTES).unwrap_or(rest))
    }

    /// # Errors
    /// The client's failure to send the rest.
    async fn whole(&self) -> Result<(), Failure> {
        let mut progress = self.progress.subscribe();
        let ended = progress.wait_for(|progress| progress.ended.is_some()).await;
        ended
            .ok()
            .and_then(|progress| progress.ended.clone())
            .unwrap_or_else(|| Err(invalid("the form did not arrive whole")))
    }

    async fn read_on<B>(self: Arc<Self>, mut body: Pin<Box<B>>, bytes_max: usize, deadline: tokio::time::Instant)
    where
        B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
    {
        let ended = loop {
            let taken = match within(deadline, &mut body).await {
                Ok(Some(bytes)) => take_in(&mut self.form(), &bytes, bytes_max),
                Ok(None) => {
                    break if self.form().is_whole() { Ok(()) } else { Err(invalid("the form did not arrive whole")) };
                }
                Err(failure) => Err(failure),
            };
            if let Err(failure) = taken {
                break Err(failure);
            }
            let bytes = self.form().held().len();
            self.progress.send_modify(|progress| progress.bytes = bytes);
        };
        self.progress.send_modify(|progress| progress.ended = Some(ended));
    }
}

fn take_in(form: &mut multipart::Form, bytes: &Bytes, bytes_max: usize) -> Result<(), Failure> {
    if form.held().len() + bytes.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    form.push(bytes)?;
    let models = form.fields().iter().filter(|field| field.name == "model").count();
    // Two models in one body would let the gateway route by one and the vendor bill by the other.
    if models > 1 { Err(invalid("`model` is given twice")) } else { Ok(()) }
}

async fn within<B>(deadline: tokio::time::Instant, body: &mut Pin<Box<B>>) -> Result<Option<Bytes>, Failure>
where
    B: Body<Data = Bytes, Error: std::fmt::Display> + Send + 'static,
{
    loop {
        let Ok(frame) = tokio::time::timeout_at(deadline, body.frame()).await else {
            return Err(invalid("the request body took longer than ten minutes to arrive"));
        };
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Some(Err(error)) => {
                return Err(invalid("the request body did not arrive whole").private(error.to_string()));
            }
        }
    }
}

fn too_large(bytes_max: usize) -> Failure {
    let text = format!("the request body is larger than {bytes_max} bytes (`server_settings.body_bytes_max`)");
    Failure::new(Kind::TooLarge, text)
}

fn invalid(text: &str) -> Failure {
    Failure::new(Kind::InvalidRequest, text)
}
