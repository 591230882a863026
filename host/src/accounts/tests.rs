//! Accounts over a real file: who is let in, that budgets are spent exactly, and what is left of them after a crash.
use super::*;
use crate::store::testing::{Folder, at};
use magic_access::{AliasRule, Amount, Budget, Money, Scope, TeamName, Window};
use magic_types::{AliasName, Kind};
use std::sync::atomic::{AtomicU64, Ordering};
use tally::Sums;

const COST: u64 = 777;

fn by() -> Actor {
    Actor { who: "cli".to_owned(), scope: Scope::Admin }
}

fn open(folder: &Folder) -> Accounts {
    Accounts::open(&folder.0, at(0)).unwrap()
}

fn money(micros: u64, window: Window) -> Budget {
    Budget { amount: Amount::Money(Money(micros)), window }
}

fn budgets(budgets: Vec<Budget>) -> GrantsPatch {
    GrantsPatch { budgets: Some(budgets), ..GrantsPatch::default() }
}

/// A key with these grants, and the secret that it is shown with.
async fn key(accounts: &Accounts, grants: GrantsPatch, team: Option<&str>) -> (Arc<Principal>, String) {
    let patch =
        Patch { name: Some("test".to_owned()), team: Some(team.map(TeamName::new)), grants, ..Patch::default() };
    let (key, secret) = accounts.ledger().create_key(patch, by(), at(0)).await.unwrap();
    accounts.reread().await;
    let secret = secret.expose().to_owned();
    let principal = accounts.authenticate(&secret, at(0)).unwrap();
    assert_eq!(principal.key, key.id);
    (principal, secret)
}

async fn admit(accounts: &Accounts, principal: &Arc<Principal>, tokens: u64, cost: u64) -> Result<Admission, Denied> {
    admit_at(accounts, principal, tokens, Some(cost), at(0)).await
}

async fn admit_at(
    accounts: &Accounts,
    principal: &Arc<Principal>,
    tokens: u64,
    cost_micros: Option<u64>,
    now: SystemTime,
) -> Result<Admission, Denied> {
    let alias = AliasName::from("fast");
    let want = Want { alias: &alias, pattern: None, operation: "chat_completions", tokens, cost_micros, now };
    accounts.admit(principal, want).await
}

fn spent(tokens: u64, cost_micros: u64) -> Spent {
    Spent {
        tokens_in: tokens,
        tokens_cached: 0,
        tokens_out: 0,
        cost_micros,
        profile: Some("main".into()),
        outcome: Outcome::Ok,
        is_estimated: false,
    }
}

/// Spent and held of a key's first budget.
async fn room(accounts: &Accounts, principal: &Principal) -> (u64, u64) {
    // Behind all that is queued.
    assert!(accounts.ledger().database().flush(Duration::from_secs(10)).await);
    let (_, standings) = accounts.ledger().key(principal.key.clone(), at(0)).await.unwrap();
    (standings[0].room.spent, standings[0].room.held)
}

async fn sums(accounts: &Accounts, by: Vec<By>) -> Vec<(Vec<String>, Sums)> {
    assert!(accounts.ledger().database().flush(Duration::from_secs(10)).await);
    let rows = accounts.usage(Query { by, ..Query::default() }).await.unwrap();
    rows.into_iter().map(|row| (row.by.into_iter().map(|(_, text)| text).collect(), row.sums)).collect()
}

#[tokio::test]
async fn a_key_is_let_in_by_its_secret_until_it_is_revoked() {
    let folder = Folder::new();
    let accounts = open(&folder);
    assert!(!accounts.has_keys());
    let (principal, secret) = key(&accounts, GrantsPatch::default(), None).await;
    assert!(accounts.has_keys());
    let mut wrong = secret.clone();
    let last = wrong.pop().unwrap();
    wrong.push(if last == '0' { '1' } else { '0' });
    assert_eq!(accounts.authenticate(&wrong, at(0)).err(), Some(Denied::NoSuchKey));
    assert_eq!(accounts.authenticate("sk-proj-abc", at(0)).err(), Some(Denied::NoSuchKey));

    accounts.ledger().revoke_key(principal.key.clone(), by(), at(5)).await.unwrap();
    accounts.reread().await;
    let revoked = Some(Denied::Revoked { key: principal.key.clone() });
    assert_eq!(accounts.authenticate(&secret, at(6)).err(), revoked);
    assert_eq!(admit(&accounts, &principal, 1, 1).await.err(), revoked, "also a session that is under way");
    assert!(accounts.has_keys(), "revoking the last key opens the gateway to nobody");
}

#[tokio::test]
async fn a_rotated_key_has_two_secrets_for_a_while() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let (principal, old) = key(&accounts, GrantsPatch::default(), None).await;
    let grace = Duration::from_secs(60);
    let (_, new) = accounts.ledger().rotate_key(principal.key.clone(), grace, by(), at(0)).await.unwrap();
    accounts.reread().await;
    let is_good = |secret: &str, seconds| accounts.authenticate(secret, at(seconds)).is_ok();
    assert_eq!([is_good(&old, 59), is_good(&old, 60)], [true, false]);
    assert_eq!([is_good(new.expose(), 0), is_good(new.expose(), 60)], [true, true]);
}

#[tokio::test]
async fn what_another_process_changes_is_seen_at_the_next_look() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let other = Ledger::open_beside(&folder.0).unwrap();
    let patch = Patch { name: Some("theirs".to_owned()), ..Patch::default() };
    let (key, secret) = other.create_key(patch, by(), at(0)).await.unwrap();
    assert!(accounts.authenticate(secret.expose(), at(0)).is_err());
    accounts.reread().await;
    assert_eq!(accounts.authenticate(secret.expose(), at(0)).unwrap().name, "theirs");
    other.revoke_key(key.id, by(), at(0)).await.unwrap();
    accounts.reread().await;
    assert!(accounts.authenticate(secret.expose(), at(0)).is_err());
}

#[tokio::test]
async fn aliases_are_granted_by_the_key_and_by_its_team() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let rules = |rules: &[&str]| GrantsPatch {
        aliases: Some(Some(rules.iter().map(|rule| AliasRule::parse(rule).unwrap()).collect())),
        ..GrantsPatch::default()
    };
    accounts.ledger().create_team(TeamName::new("research"), rules(&["f*"]), by(), at(0)).await.unwrap();
    let (both, _) = key(&accounts, rules(&["fast", "slow"]), Some("research")).await;
    assert!(both.allows("fast").is_ok());
    assert!(matches!(both.allows("slow"), Err(Denied::Alias { account: magic_access::Account::Team(_), .. })));
    assert!(matches!(both.allows("free"), Err(Denied::Alias { account: magic_access::Account::Key(_), .. })));
    assert!(Principal::anonymous().allows("anything").is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_clients_at_one_time_spend_the_budget_to_the_last_micro() {
    let folder = Folder::new();
    let accounts = open(&folder);
    accounts
        .ledger()
        .create_team(TeamName::new("all"), budgets(vec![money(1000 * COST, Window::Total)]), by(), at(0))
        .await
        .unwrap();
    let mut keys = Vec::new();
    for _ in 0..4 {
        keys.push(key(&accounts, GrantsPatch::default(), Some("all")).await.0);
    }
    let admitted = Arc::new(AtomicU64::default());
    let clients = (0..100).map(|client| {
        let (accounts, principal, admitted) = (accounts.clone(), Arc::clone(&keys[client % 4]), Arc::clone(&admitted));
        async move {
            for _ in 0..40 {
                // Thought to cost three times what it does.
                match admit(&accounts, &principal, 10, 3 * COST).await {
                    Ok(admission) => {
                        tokio::task::yield_now().await;
                        admitted.fetch_add(1, Ordering::Relaxed);
                        admission.settle(spent(10, COST));
                    }
                    Err(denied) => assert!(matches!(denied, Denied::BudgetSpent { .. } | Denied::BudgetHeld { .. })),
                }
            }
        }
    });
    futures_util::future::join_all(clients).await;
    assert_eq!(admitted.load(Ordering::Relaxed), 1000);
    let used = sums(&accounts, vec![By::Team]).await;
    assert_eq!(used.len(), 1);
    assert_eq!((used[0].1.requests, used[0].1.cost_micros, used[0].1.tokens_in), (1000, 1000 * COST, 10_000));
    let (_, standings) = accounts.ledger().teams(at(0)).await.unwrap().remove(0);
    assert_eq!((standings[0].room.spent, standings[0].room.held), (1000 * COST, 0));
    let denied = admit(&accounts, &keys[0], 10, COST).await.err().unwrap();
    assert_eq!((denied.as_str(), denied.retry_after()), ("budget_spent", None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_on_one_file_share_one_budget() {
    let folder = Folder::new();
    let (one, other) = (open(&folder), open(&folder));
    let (principal, _) = key(&one, budgets(vec![money(100 * COST, Window::Total)]), None).await;
    other.reread().await;
    let clients = (0..40).map(|client| {
        let (accounts, principal) = (if client % 2 == 0 { one.clone() } else { other.clone() }, Arc::clone(&principal));
        async move {
            let mut admitted = 0_u64;
            for _ in 0..10 {
                if let Ok(admission) = admit(&accounts, &principal, 1, COST).await {
                    admitted += 1;
                    admission.settle(spent(1, COST));
                }
            }
            admitted
        }
    });
    let admitted: u64 = futures_util::future::join_all(clients).await.into_iter().sum();
    assert_eq!(admitted, 100);
    assert_eq!((room(&one, &principal).await, room(&other, &principal).await), ((100 * COST, 0), (100 * COST, 0)));
}

#[tokio::test]
async fn what_was_not_sent_is_given_back() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let grants = GrantsPatch {
        requests_parallel_max: Some(Some(1)),
        tokens_per_minute_max: Some(Some(100)),
        ..budgets(vec![money(1000, Window::Month)])
    };
    let (principal, _) = key(&accounts, grants, None).await;
    let admission = admit(&accounts, &principal, 90, 600).await.unwrap();
    assert_eq!(room(&accounts, &principal).await, (0, 600));
    let denied = admit(&accounts, &principal, 1, 1).await.err().unwrap();
    assert_eq!(denied.as_str(), "requests_parallel");
    drop(admission);
    assert_eq!(room(&accounts, &principal).await, (0, 0));
    let admission = admit(&accounts, &principal, 90, 600).await.unwrap();
    admission.settle(spent(50, 700));
    assert_eq!(room(&accounts, &principal).await, (700, 0), "a request may cost more than was thought");
    assert_eq!(sums(&accounts, vec![]).await[0].1.requests, 1, "what was not sent is no usage");
}

#[tokio::test]
async fn a_refusal_by_a_budget_takes_nothing_of_a_limit() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let grants = GrantsPatch {
        requests_per_minute_max: Some(Some(2)),
        ..budgets(vec![money(10, Window::Day), Budget { amount: Amount::Tokens(5), window: Window::Day }])
    };
    let (principal, _) = key(&accounts, grants, None).await;
    admit(&accounts, &principal, 9, 1).await.unwrap().settle(spent(9, 1));
    for _ in 0..5 {
        let denied = admit(&accounts, &principal, 1, 1).await.err().unwrap();
        assert_eq!(denied.as_str(), "budget_spent");
        // To midnight.
        assert_eq!(denied.retry_after().map(|after| after.as_secs() < 86_400), Some(true));
    }
    assert_eq!(room(&accounts, &principal).await, (1, 0), "nor of another budget");
    let tomorrow = at(86_400);
    assert!(admit_at(&accounts, &principal, 1, Some(1), tomorrow).await.is_ok(), "another day, another budget");
}

#[tokio::test]
async fn a_budget_in_money_does_not_let_pass_what_has_no_price() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let (principal, _) = key(&accounts, budgets(vec![money(10, Window::Day)]), None).await;
    let denied = admit_at(&accounts, &principal, 1, None, at(0)).await.err().unwrap();
    assert_eq!((denied.as_str(), denied.kind()), ("no_price", Kind::Forbidden));
}

#[tokio::test]
async fn a_crash_is_charged_what_was_held_and_counted_as_unknown() {
    let folder = Folder::new();
    let principal = {
        let accounts = open(&folder);
        let (principal, _) = key(&accounts, budgets(vec![money(10_000, Window::Total)]), None).await;
        admit(&accounts, &principal, 1, 500).await.unwrap().settle(spent(1, 400));
        let under_way = admit(&accounts, &principal, 1, 700).await.unwrap();
        assert_eq!(room(&accounts, &principal).await, (400, 700));

        let beside = open(&folder);
        assert_eq!(room(&beside, &principal).await, (400, 700), "what another process has under way is its own");
        // A crash: nothing is settled or given back any more.
        std::mem::forget(under_way);
        principal
    };
    // The forgotten admission keeps its process' lock; another process could not have it.
    std::fs::remove_file(folder.0.join("accounts.lock")).unwrap();
    let accounts = open(&folder);
    assert_eq!(room(&accounts, &principal).await, (1100, 0));
    let used = sums(&accounts, vec![By::Outcome]).await;
    let used: Vec<(&str, u64, u64)> =
        used.iter().map(|(by, sums)| (by[0].as_str(), sums.requests, sums.cost_micros)).collect();
    assert_eq!(used, [("ok", 1, 400), ("unknown", 1, 700)]);
}

#[tokio::test]
async fn whoever_goes_while_the_file_is_asked_leaves_nothing_held() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let grants = GrantsPatch { requests_parallel_max: Some(Some(5)), ..budgets(vec![money(10_000, Window::Total)]) };
    let (principal, _) = key(&accounts, grants, None).await;
    for _ in 0..20 {
        let mut admission = Box::pin(admit(&accounts, &principal, 1, 500));
        // Asked once, and then forgotten.
        let _pending = futures_util::poll!(&mut admission);
        drop(admission);
    }
    assert_eq!(room(&accounts, &principal).await, (0, 0));
    assert!(admit(&accounts, &principal, 1, 1).await.is_ok());
}

#[tokio::test]
async fn a_silent_file_stops_whoever_has_a_budget_and_nobody_else() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let (with, _) = key(&accounts, budgets(vec![money(10_000, Window::Total)]), None).await;
    let (without, _) = key(&accounts, GrantsPatch::default(), None).await;
    accounts.ledger().close(Duration::from_secs(10)).await;
    let denied = admit(&accounts, &with, 1, 1).await.err().unwrap();
    assert_eq!((denied.as_str(), denied.kind()), ("accounts_unavailable", Kind::Overloaded));
    assert!(admit(&accounts, &without, 1, 1).await.is_ok());
    assert!(admit(&accounts, &Principal::anonymous(), 1, 1).await.is_ok());
}

#[tokio::test]
async fn usage_is_exact_by_whatever_it_is_summed_up() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let (with, _) = key(&accounts, budgets(vec![money(1_000_000, Window::Total)]), None).await;
    for round in 0..50 {
        for principal in [&with, &Principal::anonymous()] {
            let admission = admit_at(&accounts, principal, 3, Some(2), at(round * 43_200)).await.unwrap();
            admission.settle(spent(3, 2));
        }
    }
    let total = sums(&accounts, vec![]).await.remove(0).1;
    assert_eq!((total.requests, total.tokens_in, total.cost_micros), (100, 300, 200));
    let by_key = sums(&accounts, vec![By::Key, By::Alias, By::Profile]).await;
    assert_eq!(by_key.len(), 2);
    assert!(by_key.iter().all(|(_, sums)| sums.requests == 50));
    assert!(by_key.iter().any(|(by, _)| *by == ["-", "fast", "main"]));
    let days = sums(&accounts, vec![By::Day]).await;
    assert_eq!((days.len(), days[0].0[0].as_str()), (26, "2023-11-14"));
    let filtered = Query { key: Some(with.key.to_string()), ..Query::default() };
    assert_eq!(accounts.usage(filtered).await.unwrap()[0].sums.requests, 50);
    let nothing = Query { from_day: Some(0), to_day: Some(5), ..Query::default() };
    assert_eq!(accounts.usage(nothing).await.unwrap(), []);
}

#[tokio::test]
async fn changes_are_audited_and_bounded_by_who_makes_them() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let ledger = accounts.ledger();
    let operator = Actor { who: "vk_operator".to_owned(), scope: Scope::Operator };
    let named = |scope| Patch { name: Some("new".to_owned()), scope: Some(scope), ..Patch::default() };
    let refused = ledger.create_key(named(Scope::Admin), operator.clone(), at(0)).await.err().unwrap();
    assert_eq!(refused.kind, Kind::Forbidden);
    let (admin, _) = ledger.create_key(named(Scope::Admin), by(), at(0)).await.unwrap();
    let taken = ledger.rotate_key(admin.id.clone(), Duration::ZERO, operator.clone(), at(1)).await.err().unwrap();
    assert_eq!(taken.kind, Kind::Forbidden, "a new secret would be theirs");
    let (user, secret) = ledger.create_key(named(Scope::User), operator.clone(), at(2)).await.unwrap();
    let raised = ledger.update_key(user.id.clone(), named(Scope::Admin), operator.clone(), at(3)).await.err().unwrap();
    assert_eq!(raised.kind, Kind::Forbidden);
    ledger.revoke_key(user.id.clone(), by(), at(4)).await.unwrap();

    let audits = ledger.audits(10, None).await.unwrap();
    let told: Vec<(&str, &str, &str)> =
        audits.iter().map(|entry| (entry.who.as_str(), entry.action.as_str(), entry.subject.as_str())).collect();
    let (admin, user) = (admin.id.as_str(), user.id.as_str());
    assert_eq!(
        told,
        [
            ("cli", "virtual_key.revoke", user),
            ("vk_operator", "virtual_key.create", user),
            ("cli", "virtual_key.create", admin),
        ]
    );
    let before = audits[0].before.as_ref().unwrap();
    assert_eq!((before["standing"].as_str(), before["name"].as_str()), (Some("active"), Some("new")));
    assert_eq!(audits[0].after.as_ref().unwrap()["standing"], "revoked");
    let all = format!("{audits:?}");
    assert!(!all.contains(secret.expose()));
    assert_eq!(ledger.audits(10, Some(audits[1].id)).await.unwrap().len(), 1, "the next page");
}

#[tokio::test]
async fn a_team_goes_when_nobody_good_is_in_it() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let ledger = accounts.ledger();
    let name = TeamName::new("research");
    let absent = Patch { name: Some("x".to_owned()), team: Some(Some(name.clone())), ..Patch::default() };
    assert_eq!(ledger.create_key(absent, by(), at(0)).await.err().unwrap().kind, Kind::InvalidRequest);
    ledger.create_team(name.clone(), GrantsPatch::default(), by(), at(0)).await.unwrap();
    let again = ledger.create_team(name.clone(), GrantsPatch::default(), by(), at(0)).await;
    assert_eq!(again.err().unwrap().kind, Kind::InvalidRequest);
    let (principal, _) = key(&accounts, GrantsPatch::default(), Some("research")).await;
    let failure = ledger.delete_team(name.clone(), by(), at(0)).await.err().unwrap();
    assert_eq!(failure.public, "the team `research` has 1 virtual keys: move them to another team or revoke them");
    ledger.revoke_key(principal.key.clone(), by(), at(0)).await.unwrap();
    ledger.delete_team(name, by(), at(0)).await.unwrap();
}

#[tokio::test]
async fn a_broken_file_is_an_error_and_stays() {
    let folder = Folder::new();
    let file = folder.0.join(ledger::FILE);
    std::fs::write(&file, "this is no database, and whoever has a key must not be locked out or all let in").unwrap();
    assert!(Accounts::open(&folder.0, at(0)).is_err());
    assert!(file.exists());
}

/// SQLite waits five seconds for whoever has the file, and then a whole transaction of ours has failed.
#[tokio::test]
async fn a_settlement_that_the_file_does_not_take_is_tried_again() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let grants = budgets(vec![money(10_000, Window::Total)]);
    let (principal, _) = key(&accounts, grants, None).await;
    let one = admit(&accounts, &principal, 1, COST).await.unwrap();
    let other = magic_sqlite::rusqlite::Connection::open(folder.0.join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    one.settle(spent(1, COST));
    while accounts.ledger().database().lost() == 0 {
        tokio::task::yield_now().await;
    }
    other.execute_batch("ROLLBACK").unwrap();

    assert!(accounts.flush().await);
    assert_eq!(room(&accounts, &principal).await, (COST, 0));
    let all = sums(&accounts, vec![By::Outcome]).await;
    assert_eq!((all.len(), all[0].1.requests, all[0].1.cost_micros), (1, 1, COST));
}

#[tokio::test]
async fn a_count_that_cannot_be_does_not_end_the_sums() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let (principal, _) = key(&accounts, budgets(vec![money(u64::MAX >> 2, Window::Total)]), None).await;
    for _ in 0..3 {
        admit(&accounts, &principal, 1, 1).await.unwrap().settle(spent(u64::MAX, u64::MAX));
    }
    let all = sums(&accounts, vec![By::Key]).await;
    assert_eq!(all[0].1.requests, 3);
    assert!(all[0].1.tokens_in > 0 && all[0].1.cost_micros > 0);
}

#[tokio::test]
async fn what_is_withdrawn_counts_for_no_minute() {
    let folder = Folder::new();
    let accounts = open(&folder);
    let grants = GrantsPatch { requests_per_minute_max: Some(Some(1)), ..GrantsPatch::default() };
    let (principal, _) = key(&accounts, grants, None).await;
    admit(&accounts, &principal, 1, 1).await.unwrap().withdraw();
    let kept = admit(&accounts, &principal, 1, 1).await;
    assert!(kept.is_ok());
    assert!(matches!(admit(&accounts, &principal, 1, 1).await, Err(Denied::Full { .. })));
}
