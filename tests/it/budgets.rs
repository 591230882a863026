//! Clients of ours through the whole gateway: who is let in, what they may ask for, and budgets that are spent exactly.
use crate::stage::{ANSWERS, CALLS_CALCULATOR, ask, plain_yaml, react_folder};
use magic_tests::{
    Connection, Events, Folder, Gateway, Process, Provider, Reply, Script, completion, data_frames, said, said_frames,
    wait_until_async, within,
};
use rusqlite::Connection as Database;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const CLIENTS: usize = 100;
/// What the budget is for.
const PAID: usize = 1000;
/// By the scripted vendor's usage (5 in, 7 out) and the prices below: 5 * 1 + 7 * 2 millionths.
const COST: u64 = 19;

/// Alias `plain` with prices of a millionth a token read, and two a token written.
pub(crate) fn priced_yaml(base: &str) -> String {
    plain_yaml(base).replace("model: vendor-model,", "model: vendor-model, price: { input: 1, output: 2 },")
}

async fn cli(folder: &Folder, line: &str) -> Value {
    let words: Vec<&str> = line.split_whitespace().chain(["--json"]).collect();
    let ended = Process::start(folder, &words).await.ended().await;
    assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

/// A virtual key's secret.
pub(crate) async fn key(folder: &Folder, wishes: &str) -> String {
    let made = cli(folder, &format!("virtual-keys create --name test {wishes}")).await;
    made["secret"].as_str().unwrap().to_owned()
}

pub(crate) async fn sends(gateway: &Gateway, method: &str, path: &str, secret: &str, body: String) -> Reply {
    let bearer = format!("Bearer {secret}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    gateway.connect().await.request(method, path, &headers, body.as_bytes()).await
}

async fn asks(gateway: &Gateway, secret: &str, body: &Value) -> Reply {
    sends(gateway, "POST", "/v1/chat/completions", secret, body.to_string()).await
}

/// What the file says was spent of the one budget, and is held.
fn account(folder: &Folder) -> (u64, u64) {
    let file = magic_sqlite::reader(&folder.path("data/accounts.db")).expect("the file");
    let sums = "SELECT sum(spent), sum(held) FROM budgets";
    let (spent, held): (i64, i64) = file.query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("one budget");
    (spent.unsigned_abs(), held.unsigned_abs())
}

/// Requests and their cost as usage has them, by outcome.
fn used(folder: &Folder, outcome: &str) -> (u64, u64) {
    let file: Database = magic_sqlite::reader(&folder.path("data/accounts.db")).expect("the file");
    let sums = "SELECT coalesce(sum(requests), 0), coalesce(sum(cost_micros), 0) FROM usage WHERE outcome = ?1";
    let (requests, cost): (i64, i64) =
        file.query_row(sums, [outcome], |row| Ok((row.get(0)?, row.get(1)?))).expect("sums");
    (requests.unsigned_abs(), cost.unsigned_abs())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn field_03_ten_thousand_requests_at_once_spend_exactly_the_budget() {
    let provider = Provider::start().await;
    provider.answers(|call| match call.json()["stream"].as_bool() {
        Some(true) => Script::sse(said_frames("hello there", (5, 7))),
        _ => Script::json(200, &completion("hello")),
    });
    let folder = Folder::new(&priced_yaml(&provider.base()));
    let secret = key(&folder, "--budget 0.019/total").await;
    let gateway = Arc::new(Gateway::start(folder).await);

    let clients = (0..CLIENTS).map(|client| {
        let (gateway, secret) = (Arc::clone(&gateway), secret.clone());
        tokio::spawn(async move {
            let mut served = 0;
            for number in 0..10 * PAID / CLIENTS {
                let reply = asks(&gateway, &secret, &ask("plain", (client + number) % 2 == 0)).await;
                match reply.status {
                    200 => served += 1,
                    429 => {
                        let error = reply.json().await;
                        let code = error["error"]["code"].as_str().unwrap_or_default().to_owned();
                        assert!(["insufficient_quota", "rate_limit_exceeded"].contains(&code.as_str()), "{error}");
                        continue;
                    }
                    status => panic!("{status}: {}", reply.text().await),
                }
                reply.whole().await;
            }
            served
        })
    });
    let mut served = 0;
    for client in clients.collect::<Vec<_>>() {
        served += client.await.unwrap();
    }

    assert_eq!((served, provider.calls().len()), (PAID, PAID), "as many as the budget is for, and no call more");
    wait_until_async("every request is settled", || async { account(gateway.folder()) == (PAID as u64 * COST, 0) })
        .await;
    let refused = asks(&gateway, &secret, &ask("plain", false)).await;
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    assert_eq!(refused.error(429).await["code"], "insufficient_quota");
    let gateway = Arc::into_inner(gateway).expect("the clients are gone");
    gateway.finish(&[&provider]).await;
}

/// What a client asks for here is held exactly: as many bytes as its input tokens are estimated by, and its own bound.
fn exact_request() -> (String, u64) {
    let body = |padding: usize| {
        let words = "x".repeat(padding);
        json!({ "model": "plain", "max_tokens": 7, "messages": [{ "role": "user", "content": words }] }).to_string()
    };
    let body = (0..4).map(body).find(|body| body.len() % 4 == 0).expect("one of four");
    let tokens = body.len() as u64 / 4;
    (body, tokens)
}

/// 200 with its whole body, another status, or `None`: the gateway was killed.
async fn try_ask(address: SocketAddr, secret: &str, body: &str) -> Option<u16> {
    let authorization = format!("Bearer {secret}");
    let headers = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    let (status, _) = Connection::try_once(address, "POST", "/v1/chat/completions", &headers, body.as_bytes()).await?;
    Some(status)
}

async fn start(folder: &Folder) -> (Process, SocketAddr) {
    let mut process = Process::start(folder, &["--listen", "127.0.0.1:0"]).await;
    let address = process.address().await;
    (process, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateway_keeps_the_account_right_to_the_micro_unit() {
    let (body, tokens) = exact_request();
    let cost = tokens + 7 * 2;
    let provider = Provider::start().await;
    provider.answers(move |_| {
        let mut reply = completion("hello");
        reply["usage"]["prompt_tokens"] = json!(tokens);
        Script::json(200, &reply)
    });
    let folder = Folder::new(&priced_yaml(&provider.base()));
    let micros = cost * PAID as u64;
    let secret = key(&folder, &format!("--budget 0.{micros:06}/total")).await;

    let mut served = 0;
    for killed_after in [PAID / 4, PAID / 2, usize::MAX] {
        let (process, address) = start(&folder).await;
        let (over, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (secret, body, over, count) = (secret.clone(), body.clone(), Arc::clone(&over), Arc::clone(&count));
                tokio::spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        match try_ask(address, &secret, &body).await {
                            Some(200) => count.fetch_add(1, Ordering::Relaxed),
                            Some(429) => return,
                            Some(status) => panic!("{status}"),
                            None => return,
                        };
                    }
                })
            })
            .collect();
        if killed_after == usize::MAX {
            for client in clients {
                within("the budget is spent", client).await.unwrap();
            }
        } else {
            wait_until_async("some are served", || async { count.load(Ordering::Relaxed) >= killed_after }).await;
        }
        process.kill().await;
        over.store(true, Ordering::Relaxed);
        served += count.load(Ordering::Relaxed) as u64;
    }

    // Once more, for what the last kill left.
    let (process, address) = start(&folder).await;
    while try_ask(address, &secret, &body).await == Some(200) {
        served += 1;
    }
    process.terminate().await;
    process.ended().await;
    let (sent, (ok, ok_cost), (unknown, unknown_cost)) =
        (provider.calls().len() as u64, used(&folder, "ok"), used(&folder, "unknown"));
    assert_eq!(account(&folder), (micros, 0), "all of the budget, nothing over, and nothing is held any more");
    assert_eq!((ok_cost, unknown_cost), (ok * cost, unknown * cost), "each request by its own cost");
    assert_eq!(ok + unknown, PAID as u64);
    assert!(sent <= ok + unknown, "{sent} were sent, and {ok} + {unknown} are accounted");
    assert!(served <= sent && ok <= sent, "{served} were answered, {ok} settled, of {sent}");
    assert!(unknown <= 3 * CLIENTS as u64, "{unknown} had to be taken as spent: no more than were under way");
}

#[tokio::test]
async fn whoever_has_no_virtual_key_is_let_in_until_there_is_one() {
    let provider = Provider::start().await;
    provider.always(Script::json(200, &completion("hello")));
    let gateway = Gateway::start(Folder::new(&priced_yaml(&provider.base()))).await;
    assert_eq!(gateway.chat(&ask("plain", false)).await.status, 200);
    assert_eq!(asks(&gateway, "whatever a client sends as its key", &ask("plain", false)).await.status, 200);

    let secret = key(gateway.folder(), "").await;

    wait_until_async("the gateway has seen the key", || async {
        gateway.chat(&ask("plain", false)).await.status == 401
    })
    .await;
    assert_eq!(gateway.chat(&ask("plain", false)).await.error(401).await["code"], "invalid_api_key");
    for wrong in ["sk-other", &secret.replace("sk-magic-", "sk-magic-0"), &format!("{secret}0"), "sk-magic-"] {
        assert_eq!(asks(&gateway, wrong, &ask("plain", false)).await.status, 401, "{wrong}");
    }
    let body = ask("plain", false).to_string();
    for name in ["x-api-key", "api-key"] {
        let headers = [("content-type", "application/json"), (name, secret.as_str())];
        let reply = gateway.connect().await.request("POST", "/v1/chat/completions", &headers, body.as_bytes()).await;
        assert_eq!(reply.status, 200, "{name}");
    }
    let anthropic = gateway.post("/v1/messages", &json!({ "model": "plain", "max_tokens": 1, "messages": [] })).await;
    assert_eq!(anthropic.status, 401);
    assert_eq!(anthropic.json().await["type"], "error", "in the words of its own dialect");
    assert_eq!(gateway.get("/healthz").await.status, 200, "whoever restarts it has no key");
    assert_eq!(gateway.get("/admin/keys").await.status, 401);
    let bearer = format!("Bearer {secret}");
    let admin = gateway.connect().await.request("GET", "/admin/keys", &[("authorization", &bearer)], b"").await;
    assert_eq!(admin.error(403).await["code"], "permission_denied");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_key_is_held_to_its_aliases_and_its_limits() {
    let provider = Provider::start().await;
    provider.always(Script::json(200, &completion("hello")));
    let yaml = priced_yaml(&provider.base()).replace("plain: [main]", "plain: [main], dear: [main]");
    let folder = Folder::new(&yaml);
    let narrow = key(&folder, "--alias plain").await;
    let slow = key(&folder, "--requests-per-minute 2").await;
    let gateway = Gateway::start(folder).await;

    assert_eq!(asks(&gateway, &narrow, &ask("plain", false)).await.status, 200);
    assert_eq!(asks(&gateway, &narrow, &ask("dear", false)).await.error(403).await["code"], "permission_denied");
    let bearer = format!("Bearer {narrow}");
    let models = gateway.connect().await.request("GET", "/v1/models", &[("authorization", &bearer)], b"").await;
    let models = models.json().await;
    let names: Vec<&str> = models["data"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(names, ["plain"], "what it may not use it is not shown");

    assert_eq!(asks(&gateway, &slow, &ask("plain", false)).await.status, 200);
    assert_eq!(asks(&gateway, &slow, &ask("plain", false)).await.status, 200);
    let refused = asks(&gateway, &slow, &ask("plain", false)).await;
    assert!(refused.header("retry-after").is_some_and(|after| after.parse::<u64>().is_ok_and(|after| after <= 61)));
    assert_eq!(refused.error(429).await["code"], "rate_limit_exceeded");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_stream_says_its_usage_to_the_gateway_alone_where_the_client_did_not_ask() {
    let provider = Provider::start().await;
    provider.always(Script::sse(said_frames("hello there", (5, 7))));
    let folder = Folder::new(&priced_yaml(&provider.base()));
    let secret = key(&folder, "--budget 1/total").await;
    let gateway = Gateway::start(folder).await;

    let told = data_frames(&asks(&gateway, &secret, &ask("plain", true)).await.text().await);

    assert!(told.iter().all(|chunk| chunk["usage"].is_null() && chunk["choices"][0].is_object()), "{told:?}");
    assert_eq!(provider.calls()[0].json()["stream_options"], json!({ "include_usage": true }));
    wait_until_async("it is settled", || async { account(gateway.folder()) == (COST, 0) }).await;
    let mut silent = ask("plain", true);
    silent["stream_options"] = json!({ "include_usage": false });
    let told = data_frames(&asks(&gateway, &secret, &silent).await.text().await);
    assert!(told.iter().all(|chunk| chunk["usage"].is_null()), "{told:?}");
    assert_eq!(
        provider.calls()[1].json()["stream_options"],
        json!({ "include_usage": true }),
        "whoever says no as well"
    );
    let mut asking = ask("plain", true);
    asking["stream_options"] = json!({ "include_usage": true });
    let told = data_frames(&asks(&gateway, &secret, &asking).await.text().await);
    assert_eq!(told.last().unwrap()["usage"]["prompt_tokens"], 5, "whoever asks is told");
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_stream_that_its_client_leaves_is_paid_by_what_was_delivered() {
    let provider = Provider::start().await;
    let pieces = said_frames("hello there, all of you", (5, 7));
    provider.always(Script::stream().piece(pieces[..3].concat()).hang());
    let folder = Folder::new(&priced_yaml(&provider.base()));
    let secret = key(&folder, "--budget 1/total").await;
    let gateway = Gateway::start(folder).await;
    let request = ask("plain", true);

    let mut reply = asks(&gateway, &secret, &request).await;
    reply.piece().await.expect("the beginning");
    drop(reply);

    wait_until_async("it is settled", || async { used(gateway.folder(), "cut").0 == 1 }).await;
    let input = (request.to_string().len() as u64).div_ceil(4);
    let (spent, held) = account(gateway.folder());
    assert!(held == 0 && (input..=input + 3 * 2).contains(&spent), "{spent} for {input} tokens and three events");
    gateway.finish(&[&provider]).await;
}

/// Each step reads 10 tokens and writes 20: 50 millionths by the prices of these tests.
const STEP: u64 = 50;

#[tokio::test]
async fn a_session_settles_step_by_step_and_ends_when_the_budget_is_spent() {
    let provider = Provider::start().await;
    for _ in 0..2 {
        provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    }
    let folder = react_folder(&provider, ", max_steps: 4", "");
    let yaml = std::fs::read_to_string(folder.path("proxy_config.yaml")).unwrap();
    folder.write(
        "proxy_config.yaml",
        yaml.replacen("agent_settings:", "price: { input: 1, output: 2 }\n      agent_settings:", 1),
    );
    let secret = key(&folder, "--budget 0.000120/total").await;
    let other = key(&folder, "").await;
    let gateway = Gateway::start(folder).await;
    let start = |id: &str| {
        let order = json!({ "model_alias": "thinker", "user_query": "What is 17 * 23?", "session_id": id });
        sends(&gateway, "POST", "/v1/react/sessions", &secret, order.to_string())
    };

    let events = Events::new(start("first").await).await.rest().await;
    assert_eq!(events.last().unwrap().payload["usage"]["cost_micros"], 2 * STEP);
    let settled = || async { account(gateway.folder()) == (2 * STEP, 0) };
    wait_until_async("both steps are settled", settled).await;

    let events = Events::new(start("second").await).await.rest().await;
    let last = events.last().unwrap();
    assert_eq!(
        (last.name.as_str(), last.payload["code"].as_str()),
        ("SessionFailed", Some("budget_exceeded")),
        "{last:?}"
    );
    wait_until_async("the third step is settled", || async { account(gateway.folder()) == (3 * STEP, 0) }).await;
    assert_eq!(start("third").await.error(429).await["code"], "insufficient_quota", "it does not even begin");
    assert_eq!(provider.calls().len(), 3);

    let mine = sends(&gateway, "GET", "/v1/react/sessions", &secret, String::new()).await.json().await;
    assert_eq!(mine["data"].as_array().unwrap().len(), 2);
    let theirs = sends(&gateway, "GET", "/v1/react/sessions", &other, String::new()).await.json().await;
    assert_eq!(theirs["data"], json!([]), "a session is its owner's");
    for path in ["", "/events"] {
        let path = format!("/v1/react/sessions/first{path}");
        assert_eq!(sends(&gateway, "GET", &path, &other, String::new()).await.status, 404, "{path}");
    }
    assert_eq!(sends(&gateway, "DELETE", "/v1/react/sessions/first", &other, String::new()).await.status, 404);
    // The vendor has one answer left that nobody asked for.
    provider.clear();
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_stored_response_is_its_owners() {
    let provider = Provider::start().await;
    provider.always(Script::json(200, &completion("hello")));
    let folder = Folder::new(&priced_yaml(&provider.base()));
    let (mine, theirs) = (key(&folder, "").await, key(&folder, "").await);
    let gateway = Gateway::start(folder).await;
    let order = json!({ "model": "plain", "input": "hello" }).to_string();
    let response = sends(&gateway, "POST", "/v1/responses", &mine, order).await.json().await;
    let path = format!("/v1/responses/{}", response["id"].as_str().unwrap());

    assert_eq!(sends(&gateway, "GET", &path, &theirs, String::new()).await.status, 404);
    assert_eq!(sends(&gateway, "DELETE", &path, &theirs, String::new()).await.status, 404);
    let onward = json!({ "model": "plain", "input": "and?", "previous_response_id": response["id"] }).to_string();
    assert_eq!(sends(&gateway, "POST", "/v1/responses", &theirs, onward.clone()).await.status, 400);
    assert_eq!(sends(&gateway, "POST", "/v1/responses", &mine, onward).await.status, 200);
    assert_eq!(sends(&gateway, "GET", &path, &mine, String::new()).await.status, 200);
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_pays_for_its_question() {
    let provider = Provider::start().await;
    provider.always(Script::silence().hang());
    let folder = Folder::new(&priced_yaml(&provider.base()));
    let secret = key(&folder, "--budget 1/total").await;
    let gateway = Gateway::start(folder).await;
    let request = ask("plain", false).to_string();
    let bearer = format!("Bearer {secret}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];

    let mut connection = gateway.connect().await;
    connection.begin("POST", "/v1/chat/completions", &headers, request.as_bytes()).await;
    wait_until_async("the vendor has the question", || async { provider.calls().len() == 1 }).await;
    drop(connection);

    wait_until_async("it is settled", || async { used(gateway.folder(), "cut").0 == 1 }).await;
    assert_eq!(account(gateway.folder()), ((request.len() as u64).div_ceil(4), 0));
    gateway.finish(&[&provider]).await;
}
