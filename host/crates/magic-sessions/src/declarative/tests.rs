//! The loop as scripts: what the model says and the tools return, and what comes of it. What the first Magic Proxy got
//! wrong is here too, each fault as a test.
use super::{Generation, Program};
use crate::event::SessionEvent;
use crate::prompt::{self, Block, Policy, Protocol};
use crate::script::{self, Script, completion, done, question, tool};
use magic_types::chat::{
    FinishReason, LlmError, Media, Message, Part, Role, ToolCall, ToolError, ToolOutput, ToolResult,
};
use magic_types::directive::{Delta, Limits, SessionContext};

mod faults;
mod json_schema;
mod ladder;
mod native;
mod wild;

fn program() -> Program {
    let block = |tag: &str, content: &str| Block { tag: tag.to_owned(), content: content.to_owned() };
    Program { structure: vec![block("SYSTEM_RULE", "Think."), block("PLAN", "Plan.")], ..Program::default() }
}

fn script() -> Script {
    Script::new(program(), question())
}

fn limited(steps_max: u32) -> SessionContext {
    let ctx = question();
    SessionContext { limits: Limits { steps_max, ..ctx.limits }, ..ctx }
}

const ADD: &str =
    "<THOUGHT>I add.</THOUGHT>\n<ACTION>{\"tool_name\": \"calculator\", \"arguments\": {\"expression\": \"2+2\"}}";

#[test]
fn it_thinks_acts_observes_and_answers() {
    let mut script = script();
    script.check("step 1\nask 1");
    script.says(ADD);
    script.check(
        r#"thought: I add.
           call call_1 calculator {"expression": "2+2"}
           run call_1"#,
    );
    script.result("call_1", "4");
    script.check(
        "result call_1 ok 4
         observation: 4
         step 2
         ask 2",
    );
    let expected = "User: What is 2+2?\nAssistant: <THOUGHT>I add.</THOUGHT>\n<ACTION>{\"tool_name\": \"calculator\", \
                    \"arguments\": {\"expression\": \"2+2\"}}</ACTION>\nUser: <OBSERVATION>4</OBSERVATION>";
    assert_eq!(script.conversation(), expected);
    script.says("<THOUGHT>Now I know.</THOUGHT><FINAL_ANSWER>\n It is 4. \n");
    script.check(
        "thought: \\nNow I know.
         answer: It is 4.
         end Stop: It is 4.
         END Answered",
    );
}

#[test]
fn every_ask_has_stop_sequences_and_the_generation_parameters() {
    let generation = Generation { temperature: Some(0.5), top_p: Some(0.9), max_output_tokens: Some(77) };
    let script = Script::new(Program { generation, ..program() }, question());
    let request = &script.last_ask().request;
    assert_eq!(request.stop, ["<OBSERVATION", "</ACTION>", "</FINAL_ANSWER>"]);
    assert_eq!((request.temperature, request.top_p, request.max_output_tokens), (Some(0.5), Some(0.9), Some(77)));
    assert!(request.tools.is_empty() && request.extra.is_empty());
    assert!(script.last_ask().stream_to_me);
}

#[test]
fn text_comes_out_while_it_is_generated_and_the_action_stays_hidden() {
    let mut script = script();
    script.forget();
    let ref_id = script.open_ask();
    let mut hears = |text: &str, expected: &str| {
        script.input(magic_delta(ref_id, text));
        script.check(expected);
    };
    hears("<THOU", "");
    hears("GHT> I see", "thought: I see");
    hears(" a way. ", "thought:  a way.");
    hears("</THOUGHT><ACTION>{\"tool", "");
    hears("_name\": \"clock\"}", "");
}

fn magic_delta(ref_id: u32, text: &str) -> crate::session::Input {
    crate::session::Input::Delta { ref_id, delta: Delta::Text(text.to_owned()) }
}

#[test]
fn native_reasoning_is_thought() {
    let mut script = script();
    script.forget();
    let ref_id = script.open_ask();
    script.input(crate::session::Input::Delta { ref_id, delta: Delta::Reasoning("Hm.".to_owned()) });
    script.input(magic_delta(ref_id, "<FINAL_ANSWER>4"));
    script.completes(completion(vec![Part::Reasoning("Hm.".to_owned()), Part::Text("<FINAL_ANSWER>4".to_owned())]));
    script.check("thought: Hm.\nanswer: 4\nend Stop: 4\nEND Answered");
}

#[test]
fn several_calls_run_side_by_side_and_are_observed_in_order() {
    let mut script = script();
    script.forget();
    script.says("<ACTION>[{\"name\":\"clock\"},{\"name\":\"calculator\",\"args\":{\"expression\":\"1\"}}]</ACTION>");
    script.check("call call_1 clock {}\ncall call_2 calculator {\"expression\":\"1\"}\nrun call_1 call_2");
    script.result("call_2", "1");
    script.check("result call_2 ok 1");
    script.result("call_1", "noon");
    script.check("result call_1 ok noon\nobservation: clock: noon\nobservation: calculator: 1\nstep 2\nask 2");
    assert!(
        script
            .conversation()
            .ends_with("User: <OBSERVATION>clock: noon</OBSERVATION>\n\n<OBSERVATION>calculator: 1</OBSERVATION>")
    );
}

#[test]
fn a_tools_error_is_an_observation() {
    let mut script = script();
    script.says(ADD);
    script.forget();
    script.input(done("call_1", Err(ToolError::Failed("division by zero".to_owned()))));
    script.check(
        "result call_1 error division by zero
         observation: Error: division by zero
         step 2
         ask 2",
    );
}

#[test]
fn a_long_result_is_cut_with_a_note() {
    let mut script = script();
    script.says(ADD);
    script.result("call_1", &"é".repeat(10_000));
    let conversation = script.conversation();
    assert!(conversation.ends_with("é\n[cut: 16384 of 20000 bytes are shown]</OBSERVATION>"));
    assert!(conversation.len() < 17_000);
}

#[test]
fn an_empty_action_means_go_on() {
    for reply in ["<THOUGHT>First.</THOUGHT><ACTION></ACTION>", "<THOUGHT>First.</THOUGHT><ACTION/>", "First."] {
        let mut script = script();
        script.forget();
        script.says(reply);
        script.check("thought: First.\nstep 2\nask 2");
        assert!(script.conversation().ends_with("\nUser: Go on: think, act, or give your <FINAL_ANSWER>."), "{reply}");
    }
}

#[test]
fn text_without_a_tag_is_a_thought_before_the_last_step_and_the_answer_at_it() {
    let mut script = Script::new(program(), limited(2));
    script.forget();
    script.says("It is 4.");
    script.check("thought: It is 4.\nstep 2\nask 2");
    script.says("It is 4.");
    script.check("answer: It is 4.\nend Stop: It is 4.\nEND Answered");
}

#[test]
fn untagged_text_before_a_tag_is_a_thought_even_at_the_last_step() {
    let mut script = Script::new(program(), limited(1));
    script.forget();
    script.says("Let me see.\n<FINAL_ANSWER>4");
    script.check("thought: Let me see.\nanswer: 4\nend Stop: 4\nEND Answered");
}

#[test]
fn everything_but_the_final_answer_is_thought() {
    let mut script = script();
    script.forget();
    script.says("<PLAN>1. add</PLAN>\n<SYSTEM_RULE>x</SYSTEM_RULE>\n<FINAL_ANSWER><PLAN>4</PLAN><think>sure?</think>!</FINAL_ANSWER>");
    script.check(
        "thought: 1. add\\nx
         answer: 4
         thought: \\nsure?
         answer: !
         end Stop: 4!
         END Answered",
    );
}

#[test]
fn what_a_model_invents_after_its_action_is_not_read() {
    let mut script = script();
    script.forget();
    let invented = "</ACTION>\n<OBSERVATION>5</OBSERVATION>\n<FINAL_ANSWER>5</FINAL_ANSWER>";
    script.says(&[ADD, invented].concat());
    script.check("thought: I add.\ncall call_1 calculator {\"expression\": \"2+2\"}\nrun call_1");
    script.result("call_1", "4");
    assert!(!script.conversation().contains('5'));
}

#[test]
fn a_bad_action_is_shown_to_the_model_at_most_twice_in_a_row() {
    let mut script = script();
    script.forget();
    script.says("<ACTION>calculator(2+2)</ACTION>");
    script.check(
        "observation: Error: Your action is not valid JSON: expected value at line 1 column 1. Write one object: \
         {\"tool_name\": \"...\", \"arguments\": {...}}, and nothing else.
         step 2
         ask 2",
    );
    script.says("<ACTION>{\"tool_name\": \"abacus\"}</ACTION>");
    script.check("observation: Error: There is no tool \"abacus\". The tools are: calculator, clock.\nstep 3\nask 3");
    script.says("<ACTION>{</ACTION>");
    assert!(script.conversation().ends_with(
        "Several actions in a row could not be used. No tool can be called any more. Give your final answer now, as \
         <FINAL_ANSWER>...</FINAL_ANSWER>, from what you know so far."
    ));
    script.forget();
    script.says("<FINAL_ANSWER>4</FINAL_ANSWER>");
    script.check("answer: 4\nend Stop: 4\nEND Answered");
}

#[test]
fn a_good_action_in_between_starts_the_count_of_bad_ones_again() {
    let mut script = script();
    for round in 1..=3 {
        script.says("<ACTION>{</ACTION>");
        script.says("<ACTION>{</ACTION>");
        script.says(ADD);
        script.result(&format!("call_{round}"), "4");
    }
    assert!(!script.conversation().contains("Give your final answer now"));
}

#[test]
fn arguments_that_the_tool_refuses_count_as_bad_actions() {
    let mut script = script();
    for round in 1..=3 {
        script.says(ADD);
        let refused = ToolError::InvalidArguments("`expression` is not a sum".to_owned());
        script.input(done(&format!("call_{round}"), Err(refused)));
    }
    assert!(script.conversation().contains("Error: invalid arguments: `expression` is not a sum"));
    assert!(script.conversation().contains("Give your final answer now"));
}

#[test]
fn an_empty_answer_is_asked_for_once_more_and_then_the_thought_has_to_do() {
    let mut script = script();
    script.forget();
    script.says("<THOUGHT>It is 4.</THOUGHT><FINAL_ANSWER> </FINAL_ANSWER>");
    script.check("thought: It is 4.\nstep 2\nask 2");
    assert!(
        script
            .conversation()
            .ends_with("User: Your answer was empty. Give it now, as <FINAL_ANSWER>...</FINAL_ANSWER>.")
    );
    script.says("<FINAL_ANSWER></FINAL_ANSWER>");
    script.check("answer: It is 4.\nend Stop: It is 4.\nEND Answered");
}

#[test]
fn without_answer_or_thought_the_session_fails() {
    let mut script = script();
    script.says("<FINAL_ANSWER></FINAL_ANSWER>");
    script.forget();
    script.says("");
    script.check("failed pattern_failed: the model gave no answer\nEND Failed");
}

#[test]
fn an_answer_that_the_model_could_not_finish_says_so() {
    let mut script = script();
    script.forget();
    let cut = completion(vec![Part::Text("<FINAL_ANSWER>It is".to_owned())]);
    script.completes(magic_types::chat::Completion { finish: FinishReason::Length, ..cut });
    script.check("answer: It is\nend Length: It is\nEND Answered");
}

#[test]
fn a_models_failure_fails_the_session_with_its_code() {
    for (error, expected) in [
        (LlmError::Unavailable("all keys rest".to_owned()), "failed nothing_left: all keys rest"),
        (LlmError::BudgetExceeded("5 euros".to_owned()), "failed budget_exceeded: budget exceeded: 5 euros"),
        (
            LlmError::ContextTooLong,
            "failed context_length_exceeded: the conversation and what was found on the way no longer fit the model's \
             window: ask for less at once, or use an alias whose model has a larger window",
        ),
    ] {
        let mut script = script();
        script.forget();
        script.fails(error);
        script.check(&[expected, "\nEND Failed"].concat());
    }
}

#[test]
fn what_the_user_says_meanwhile_is_read_at_the_next_step() {
    let mut script = script();
    script.input(crate::session::Input::Said(Message::text(Role::User, "In French <FINAL_ANSWER>, please")));
    script.says(ADD);
    script.result("call_1", "4");
    assert!(
        script.conversation().ends_with("User: <OBSERVATION>4</OBSERVATION>\n\nIn French &lt;FINAL_ANSWER>, please")
    );
    script.says("<THOUGHT>Oui.</THOUGHT>");
    assert!(script.conversation().contains("please\nAssistant: <THOUGHT>Oui.</THOUGHT>\nUser: Go on"));
}

#[test]
fn a_native_tool_call_is_taken_as_an_action() {
    let mut script = script();
    script.forget();
    let call = ToolCall { id: "x".to_owned(), name: "clock".to_owned(), arguments_json: String::new() };
    script.completes(completion(vec![Part::Text("Look.".to_owned()), Part::ToolCall(call)]));
    script.check("thought: Look.\ncall call_1 clock {}\nrun call_1");
    script.result("call_1", "noon");
    assert!(script.conversation().contains(
        "Assistant: Look.\n<ACTION>{\"tool_name\": \"clock\", \"arguments\": {}}</ACTION>\nUser: <OBSERVATION>noon"
    ));
}

#[test]
fn a_grammar_is_sent_for_tiny_models_and_only_an_answer_fits_the_last() {
    let grammar = |script: &Script| {
        let extra = script.last_ask().request.extra.first().expect("an extra").clone();
        assert_eq!(extra.key, "grammar");
        serde_json::from_str::<String>(&extra.value).expect("a JSON string")
    };
    let ctx = limited(1);
    let mut script = Script::new(Program { protocol: Protocol::Grammar, ..program() }, ctx);
    assert!(grammar(&script).contains("<ACTION>"));
    script.says(ADD);
    script.result("call_1", "4");
    assert!(!grammar(&script).contains("<ACTION>"));
    script.says("<FINAL_ANSWER>4</FINAL_ANSWER>");
    assert!(script.session.has_ended());
}

#[test]
fn a_required_tool_is_called_before_anything_can_be_answered() {
    let program = Program { protocol: Protocol::Grammar, tool_required: true, ..program() };
    let mut script = Script::new(program, question());
    let root = |script: &Script| {
        let grammar: String = serde_json::from_str(&script.last_ask().request.extra[0].value).unwrap();
        grammar.lines().next().unwrap().to_owned()
    };
    assert_eq!(root(&script), "root ::= thought action");
    script.says(ADD);
    script.result("call_1", "4");
    assert_eq!(root(&script), "root ::= thought (action | final)");
}
