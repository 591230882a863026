//! Every refusal names whose it is, what it is about, and when it ends.
use super::*;
use crate::{Amount, Money, TeamName, Window};

#[test]
fn refusals_name_the_account_the_limit_and_the_time() {
    let account = Account::Team(TeamName::new("research"));
    let budget = Budget { amount: Amount::Money(Money(5_000_000)), window: Window::Month };
    let after = Duration::from_millis(90_061_500);
    let spent = Denied::BudgetSpent { account: account.clone(), budget, retry_after: Some(after) };
    assert_eq!(spent.to_string(), "team `research` has spent its budget of 5 a month: try again in 1d 1h");
    assert_eq!((spent.kind(), spent.retry_after(), spent.account()), (Kind::OverBudget, Some(after), Some(&account)));
    let full = Full { limit: Limit::RequestsPerMinute, max: 60, retry_after: Duration::from_millis(1500) };
    let full = Denied::Full { account: Account::Key(VirtualKeyId::new("vk_1")), full };
    assert_eq!(full.to_string(), "key `vk_1` has reached its limit of 60 requests a minute: try again in 2s");
    assert_eq!((full.kind(), full.as_str()), (Kind::OverLimit, "requests_per_minute"));
}
