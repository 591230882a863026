//! What is one client's is no other's: who may look at sessions and stored responses, and who may act on them.
use crate::budgets::{key, sends};
use crate::stage::{ANSWERS, CALLS_CALCULATOR, react_folder};
use magic_tests::{Events, Folder, Gateway, Provider, Reply, little_model, said};
use serde_json::{Value, json};

fn plain_over(vendor: &str, provider: &Provider) -> Folder {
    let yaml = format!(
        "model_list:\n  - model_name: main\n    provider: {vendor}\n    model_params: {{ model: little, api_base: \"{}\" }}\n\
         router_settings:\n  model_group_alias: {{ alias: [main] }}\n",
        provider.base()
    );
    Folder::new(&yaml).keys(vendor, &["sk-owners"])
}

async fn responds(gateway: &Gateway, secret: &str, input: &str, previous: Option<&Value>) -> Reply {
    let mut order = json!({ "model": "alias", "input": input });
    if let Some(previous) = previous {
        order["previous_response_id"] = previous["id"].clone();
    }
    sends(gateway, "POST", "/v1/responses", secret, order.to_string()).await
}

#[tokio::test]
async fn anothers_response_is_gone_on_from_neither_here_nor_at_its_vendor() {
    // A vendor that stores responses itself would know the id, under the key that all share.
    for vendor in ["openai", "anthropic"] {
        let provider = little_model().await;
        let folder = plain_over(vendor, &provider);
        let (mine, theirs, looks) =
            (key(&folder, "").await, key(&folder, "").await, key(&folder, "--scope viewer").await);
        let gateway = Gateway::start(folder).await;
        let first = responds(&gateway, &mine, "I am Ada.", None).await.json().await;
        let calls = provider.calls().len();

        let error = responds(&gateway, &theirs, "Who am I?", Some(&first)).await.error(400).await;
        assert!(error["message"].as_str().unwrap().contains("not found"), "{vendor}: {error}");
        assert_eq!(provider.calls().len(), calls, "{vendor} was not asked");

        // One of a viewer's own, behind which lies what it may look at only as long as it is a viewer.
        let second = responds(&gateway, &looks, "And then?", Some(&first)).await.json().await;
        assert_eq!(second["status"], "completed", "{vendor}: {second}");
        assert_eq!(responds(&gateway, &mine, "And?", Some(&second)).await.status, 400, "{vendor}");
        gateway.finish(&[&provider]).await;
    }
}

#[tokio::test]
async fn a_viewer_looks_at_anothers_and_does_nothing_to_it() {
    let provider = Provider::start().await;
    provider.once(said(CALLS_CALCULATOR)).once(said(ANSWERS));
    let folder = react_folder(&provider, "", "");
    let (mine, looks, keeps) =
        (key(&folder, "").await, key(&folder, "--scope viewer").await, key(&folder, "--scope operator").await);
    let gateway = Gateway::start(folder).await;
    let order = json!({ "model_alias": "thinker", "user_query": "What is 17 * 23?", "session_id": "one" });
    let reply = sends(&gateway, "POST", "/v1/react/sessions", &mine, order.to_string()).await;
    assert_eq!(Events::new(reply).await.rest().await.last().unwrap().name, "FinalAnswerStreamEnd");

    let path = "/v1/react/sessions/one";
    assert_eq!(sends(&gateway, "GET", path, &looks, String::new()).await.status, 200);
    let said = json!({ "content": "stop" }).to_string();
    let word = json!({ "approve": true }).to_string();
    let again = json!({ "from_step": 1 }).to_string();
    for (method, end, body) in [
        ("POST", "/messages", said),
        ("POST", "/approvals/call", word),
        ("POST", "/fork", again),
        ("DELETE", "", String::new()),
    ] {
        let error = sends(&gateway, method, &format!("{path}{end}"), &looks, body).await.error(403).await;
        assert!(error["message"].as_str().unwrap().contains("`operator`"), "{end}: {error}");
    }
    assert_eq!(sends(&gateway, "DELETE", path, &keeps, String::new()).await.status, 200);
    provider.clear();
    gateway.finish(&[&provider]).await;
}

#[tokio::test]
async fn a_viewer_deletes_no_response_of_anothers_and_neither_does_another_sites_page() {
    let provider = little_model().await;
    let folder = plain_over("anthropic", &provider);
    let (mine, looks) = (key(&folder, "").await, key(&folder, "--scope viewer").await);
    let gateway = Gateway::start(folder).await;
    let made = responds(&gateway, &mine, "I am Ada.", None).await.json().await;
    let path = format!("/v1/responses/{}", made["id"].as_str().unwrap());

    assert_eq!(sends(&gateway, "DELETE", &path, &looks, String::new()).await.status, 403);
    let bearer = format!("Bearer {mine}");
    let headers = [("origin", "https://elsewhere.example"), ("authorization", bearer.as_str())];
    assert_eq!(gateway.connect().await.request("DELETE", &path, &headers, b"").await.status, 400);
    assert_eq!(sends(&gateway, "GET", &path, &looks, String::new()).await.status, 200, "it is still there");
    assert_eq!(sends(&gateway, "DELETE", &path, &mine, String::new()).await.status, 200);
    gateway.finish(&[&provider]).await;
}
