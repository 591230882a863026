//! The sections that have no counterpart here, and what to do about them.
use crate::Work;
use crate::yaml::Node;

/// Sections that are read elsewhere.
const READ: [&str; 5] = ["model_list", "router_settings", "litellm_settings", "general_settings", "credential_list"];

pub(crate) fn read(root: &Node, work: &mut Work) {
    for (section, node) in root.entries() {
        match section.as_str() {
            "environment_variables" => variables(node, work),
            "include" => work.book.manual(node, "other files are not read: put them into one and import again"),
            _ if READ.contains(&section.as_str()) && node.is_null() => work.book.exact(node, "empty, as there"),
            _ if READ.contains(&section.as_str()) => {}
            _ => work.book.unsupported(node, told(section)),
        }
    }
}

/// Their values are said nowhere: some are secrets.
fn variables(node: &Node, work: &mut Work) {
    for (name, value) in node.entries() {
        work.book.manual(value, format!("set {name} in the gateway's environment, if the config needs it"));
    }
}

fn told(section: &str) -> &'static str {
    match section {
        "guardrails" | "policies" | "policy_attachments" => {
            "no guardrails are built in: put one before the gateway, or the vendor's own"
        }
        "mcp_servers" | "mcp_tools" | "mcp_aliases" => {
            "tools are WebAssembly components in tools/: see docs/COMPONENTS.md"
        }
        "search_tools" | "sandbox_tools" | "vector_store_registry" => {
            "such a tool would be a component in tools/: see docs/COMPONENTS.md"
        }
        "prompts" => "no store of prompts: a profile's agent_settings.system_instruction is a file",
        "finetune_settings" | "files_settings" | "batch_settings" | "assistant_settings" | "assistants" => {
            "files, batches, fine-tuning and assistants are not served"
        }
        "pass_through_endpoints" => "nothing is passed to addresses that are no model's",
        _ => "nothing here reads this section",
    }
}
