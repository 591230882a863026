//! One hour of requests through the real `Attempt` and `Health`, event by event, and what it came to. The same seed gives the
//! same requests to every strategy. Nothing here is real time.
mod report;
mod town;

pub(crate) use report::{Outcome, table};

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use magic_config::Config;
use magic_routing::{Attempt, Health, Outcome as End, Plan, Plans, Settings, Step, Ticket};
use magic_types::{Failure, Usage};

use town::{Answer, Asked, Dice, VENDORS};

pub(crate) const SEED: u64 = 1;
const HOUR: Duration = Duration::from_secs(3600);

const CONFIG: &str = "
definitions:
  home: &home { api_base: 'http://home/v1', context_window: 8000, capabilities: { vision: false } }
model_list:
  - { model_name: main, provider: openai, model_params: { model: large, context_window: 128000, api_key: '${KEY}', price: { input: 2.5, output: 10 } } }
  - { model_name: small, provider: openai, model_params: { model: small, context_window: 16000, api_key: '${KEY}', price: { input: 0.15, output: 0.6 }, capabilities: { vision: false } } }
  - { model_name: twin, provider: openai, model_params: { model: twin, context_window: 128000, api_key: '${KEY}', price: { input: 2.75, output: 11 } } }
  - { model_name: home, provider: local, model_params: { <<: *home, model: home } }
router_settings:
  model_group_alias:
    ordered: [main, small, twin, home]
    weighted: { chain: [main, small, twin, home], strategy: weighted, weights: { main: 4, twin: 4, small: 2, home: 0 } }
    least_busy: { chain: [main, small, twin, home], strategy: least_busy }
    lowest_latency: { chain: [main, small, twin, home], strategy: lowest_latency }
    lowest_cost: { chain: [main, small, twin, home], strategy: lowest_cost }
    capability: { chain: [main, small, twin, home], strategy: capability }
    complexity:
      chain: [main, small, twin, home]
      strategy: complexity
      tiers: [{ up_to: 0.2, profiles: [small, home] }, { profiles: [main, twin] }]
";

/// Every strategy, in the order of the config.
pub(crate) fn all(seed: u64) -> Vec<Outcome> {
    // The one that the file names, and nothing else that the environment may have.
    let env = |name: &str| (name == "KEY").then(|| "sk-key".to_owned());
    let config = magic_config::parse(CONFIG, &env).unwrap_or_else(|problems| {
        unreachable!("{problems:?}");
    });
    let plans = Plans::compile(&config, |_| false);
    plans.iter().map(|plan| Hour::new(&config, plan, seed).run()).collect()
}

struct Hour<'a> {
    plan: &'a Arc<Plan>,
    settings: Settings,
    health: Health,
    seed: u64,
    start: Instant,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64)>>,
    coming: HashMap<u64, Event>,
    numbers: u64,
    /// Requests that each vendor works on.
    load: HashMap<String, u32>,
    outcome: Outcome,
}

enum Event {
    Arrives(u64),
    Answers(Box<Request>, Ticket, Answer),
    Ends(Ticket, String),
}

struct Request {
    number: u64,
    arrived: Duration,
    asked: Asked,
    attempt: Attempt,
}

// === impl Hour ===
impl<'a> Hour<'a> {
    #[expect(clippy::disallowed_methods, reason = "an instant cannot be had otherwise; it is only ever added to")]
    fn new(config: &Config, plan: &'a Arc<Plan>, seed: u64) -> Self {
        let mut health = Health::default();
        health.reconcile(config, magic_routing::own_keys(config));
        Self {
            plan,
            settings: Settings::of(config),
            health,
            seed,
            start: Instant::now(),
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            coming: HashMap::new(),
            numbers: 0,
            load: HashMap::new(),
            outcome: Outcome::new(plan.alias.as_str()),
        }
    }

    fn run(mut self) -> Outcome {
        self.after(Duration::ZERO, Event::Arrives(0));
        while let Some(Reverse((time, number))) = self.events.pop() {
            self.now = time;
            match self.coming.remove(&number) {
                Some(Event::Arrives(number)) => self.arrive(number),
                Some(Event::Answers(request, ticket, answer)) => self.answer(request, ticket, answer),
                Some(Event::Ends(ticket, vendor)) => {
                    self.end(&vendor);
                    self.health.settle(ticket, self.instant());
                }
                None => {}
            }
        }
        self.outcome
    }

    fn instant(&self) -> Instant {
        self.start + self.now
    }

    fn after(&mut self, time: Duration, event: Event) {
        self.numbers += 1;
        self.coming.insert(self.numbers, event);
        self.events.push(Reverse((self.now + time, self.numbers)));
    }

    fn arrive(&mut self, number: u64) {
        let mut dice = Dice::of(&[self.seed, number]);
        let pause = town::pause(self.now, &mut dice);
        if self.now + pause < HOUR {
            self.after(pause, Event::Arrives(number + 1));
        }
        let asked = Asked::throw(&mut dice);
        let mut attempt = Attempt::new(Arc::clone(self.plan), self.settings);
        if self.plan.has_choice() {
            let now = self.instant();
            attempt.choose(&asked.facts(), dice.roll(), &self.health, now);
        }
        self.next(Box::new(Request { number, arrived: self.now, asked, attempt }));
    }

    /// Sends it on, or gives it up.
    fn next(&mut self, mut request: Box<Request>) {
        let now = self.instant();
        let ticket = match request.attempt.next(&mut self.health, now) {
            Step::Send(ticket) => ticket,
            Step::GiveUp(_) => return self.outcome.failed(),
        };
        let name = self.name(&ticket);
        let Some(vendor) = VENDORS.iter().find(|vendor| vendor.name == name) else { return };
        let load = self.load.entry(name).or_default();
        *load += 1;
        // The same luck for the same request at the same vendor, whatever came before.
        let mut dice = Dice::of(&[self.seed, request.number, u64::from(vendor.id)]);
        let answer = vendor.answer(&request.asked, self.now, *load, &mut dice);
        self.outcome.sent(vendor.name);
        self.after(answer.after(), Event::Answers(request, ticket, answer));
    }

    fn answer(&mut self, mut request: Box<Request>, mut ticket: Ticket, answer: Answer) {
        let (now, vendor) = (self.instant(), self.name(&ticket));
        match answer {
            Answer::Fails { kind, .. } => {
                self.end(&vendor);
                let failed = End::Failed(Failure::new(kind, "synthetic"));
                request.attempt.report(&mut self.health, ticket, failed, now);
                self.next(request);
            }
            Answer::Speaks { whole, .. } => {
                request.attempt.spoke(&mut self.health, &mut ticket, None, now);
                let usage = Usage {
                    input_tokens: request.asked.input_tokens,
                    output_tokens: request.asked.output_tokens,
                    ..Usage::default()
                };
                let profile = self.plan.legs.get(ticket.leg).map(|leg| &leg.profile);
                let cost = profile.and_then(|profile| profile.cost_micros(&usage)).unwrap_or(0);
                self.outcome.served(self.now - request.arrived, cost, &request.asked, &vendor);
                self.after(whole, Event::Ends(ticket, vendor));
            }
        }
    }

    fn end(&mut self, vendor: &str) {
        if let Some(load) = self.load.get_mut(vendor) {
            *load = load.saturating_sub(1);
        }
    }

    fn name(&self, ticket: &Ticket) -> String {
        self.plan.legs.get(ticket.leg).map_or_else(String::new, |leg| leg.profile.name.to_string())
    }
}
