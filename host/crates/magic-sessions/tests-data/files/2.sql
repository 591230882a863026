PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE entries (
        sid INTEGER NOT NULL, number INTEGER NOT NULL, at_us INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (sid, number)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "entries" VALUES(1,0,0,'{"decided":"0","input":"start"}');
INSERT INTO "entries" VALUES(1,1,1000,'{"decided":"1","input":"text","ref":1,"text":"x"}');
INSERT INTO "entries" VALUES(1,2,2000,'{"decided":"2","input":"reasoning","ref":1,"text":"x"}');
INSERT INTO "entries" VALUES(1,3,3000,'{"attempts":1,"decided":"3","input":"asked","key_id":"k","ms":5,"outcome":{"completion":{"extra":[],"finish":"stop","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"},"served_by":"p","usage":{"cache_write":0,"cached":0,"cost_micros":null,"input":10,"output":5,"reasoning":0}}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,4,4000,'{"decided":"4","input":"delegated","outcome":{"completion":{"extra":[],"finish":"stop","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"},"served_by":"p","usage":{"cache_write":0,"cached":0,"cost_micros":null,"input":10,"output":5,"reasoning":0}}},"ref":4,"spent":{"llm_calls":0,"steps":1,"tool_calls":0}}');
INSERT INTO "entries" VALUES(1,5,5000,'{"approved":true,"call_id":"c","comment":"x","decided":"5","input":"approval"}');
INSERT INTO "entries" VALUES(1,6,6000,'{"decided":"6","input":"timer","ref":3}');
INSERT INTO "entries" VALUES(1,7,7000,'{"decided":"7","input":"said","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"}}');
INSERT INTO "entries" VALUES(1,8,8000,'{"decided":"8","input":"deadline"}');
INSERT INTO "entries" VALUES(1,9,9000,'{"decided":"9","input":"restarted","ref":2}');
INSERT INTO "entries" VALUES(1,10,10000,'{"decided":"a","input":"cancel"}');
INSERT INTO "entries" VALUES(1,11,11000,'{"attempts":1,"decided":"b","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"unavailable","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,12,12000,'{"attempts":1,"decided":"c","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"rate_limited","seconds":3}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,13,13000,'{"attempts":1,"decided":"d","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"rate_limited","seconds":null}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,14,14000,'{"attempts":1,"decided":"e","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"context_too_long"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,15,15000,'{"attempts":1,"decided":"f","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"refused","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,16,16000,'{"attempts":1,"decided":"10","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"budget_exceeded","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,17,17000,'{"attempts":1,"decided":"11","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"invalid_request","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,18,18000,'{"attempts":1,"decided":"12","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"cancelled"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,19,19000,'{"attempts":1,"decided":"13","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"timed_out"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(1,20,20000,'{"decided":"14","input":"tool","result":{"call_id":"c","error":{"kind":"not_found"}}}');
INSERT INTO "entries" VALUES(1,21,21000,'{"decided":"15","input":"tool","result":{"call_id":"c","error":{"kind":"invalid_arguments","text":"x"}}}');
INSERT INTO "entries" VALUES(1,22,22000,'{"decided":"16","input":"tool","result":{"call_id":"c","error":{"kind":"denied","text":"x"}}}');
INSERT INTO "entries" VALUES(1,23,23000,'{"decided":"17","input":"tool","result":{"call_id":"c","error":{"kind":"failed","text":"x"}}}');
INSERT INTO "entries" VALUES(1,24,24000,'{"decided":"18","input":"tool","result":{"call_id":"c","error":{"kind":"busy","ms":250}}}');
INSERT INTO "entries" VALUES(1,25,25000,'{"decided":"19","input":"tool","result":{"call_id":"c","error":{"kind":"timed_out"}}}');
INSERT INTO "entries" VALUES(1,26,26000,'{"decided":"1a","input":"tool","result":{"call_id":"c","error":{"kind":"outcome_unknown"}}}');
INSERT INTO "entries" VALUES(2,0,0,'{"decided":"0","input":"start"}');
INSERT INTO "entries" VALUES(2,1,1000,'{"decided":"1","input":"text","ref":1,"text":"x"}');
INSERT INTO "entries" VALUES(2,2,2000,'{"decided":"2","input":"reasoning","ref":1,"text":"x"}');
INSERT INTO "entries" VALUES(2,3,3000,'{"attempts":1,"decided":"3","input":"asked","key_id":"k","ms":5,"outcome":{"completion":{"extra":[],"finish":"stop","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"},"served_by":"p","usage":{"cache_write":0,"cached":0,"cost_micros":null,"input":10,"output":5,"reasoning":0}}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,4,4000,'{"decided":"4","input":"delegated","outcome":{"completion":{"extra":[],"finish":"stop","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"},"served_by":"p","usage":{"cache_write":0,"cached":0,"cost_micros":null,"input":10,"output":5,"reasoning":0}}},"ref":4,"spent":{"llm_calls":0,"steps":1,"tool_calls":0}}');
INSERT INTO "entries" VALUES(2,5,5000,'{"approved":true,"call_id":"c","comment":"x","decided":"5","input":"approval"}');
INSERT INTO "entries" VALUES(2,6,6000,'{"decided":"6","input":"timer","ref":3}');
INSERT INTO "entries" VALUES(2,7,7000,'{"decided":"7","input":"said","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"}}');
INSERT INTO "entries" VALUES(2,8,8000,'{"decided":"8","input":"deadline"}');
INSERT INTO "entries" VALUES(2,9,9000,'{"decided":"9","input":"restarted","ref":2}');
INSERT INTO "entries" VALUES(2,10,10000,'{"decided":"a","input":"cancel"}');
INSERT INTO "entries" VALUES(2,11,11000,'{"attempts":1,"decided":"b","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"unavailable","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,12,12000,'{"attempts":1,"decided":"c","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"rate_limited","seconds":3}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,13,13000,'{"attempts":1,"decided":"d","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"rate_limited","seconds":null}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,14,14000,'{"attempts":1,"decided":"e","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"context_too_long"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,15,15000,'{"attempts":1,"decided":"f","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"refused","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,16,16000,'{"attempts":1,"decided":"10","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"budget_exceeded","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,17,17000,'{"attempts":1,"decided":"11","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"invalid_request","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,18,18000,'{"attempts":1,"decided":"12","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"cancelled"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,19,19000,'{"attempts":1,"decided":"13","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"timed_out"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(2,20,20000,'{"decided":"14","input":"tool","result":{"call_id":"c","error":{"kind":"not_found"}}}');
INSERT INTO "entries" VALUES(2,21,21000,'{"decided":"15","input":"tool","result":{"call_id":"c","error":{"kind":"invalid_arguments","text":"x"}}}');
INSERT INTO "entries" VALUES(2,22,22000,'{"decided":"16","input":"tool","result":{"call_id":"c","error":{"kind":"denied","text":"x"}}}');
INSERT INTO "entries" VALUES(2,23,23000,'{"decided":"17","input":"tool","result":{"call_id":"c","error":{"kind":"failed","text":"x"}}}');
INSERT INTO "entries" VALUES(2,24,24000,'{"decided":"18","input":"tool","result":{"call_id":"c","error":{"kind":"busy","ms":250}}}');
INSERT INTO "entries" VALUES(2,25,25000,'{"decided":"19","input":"tool","result":{"call_id":"c","error":{"kind":"timed_out"}}}');
INSERT INTO "entries" VALUES(2,26,26000,'{"decided":"1a","input":"tool","result":{"call_id":"c","error":{"kind":"outcome_unknown"}}}');
INSERT INTO "entries" VALUES(3,0,0,'{"decided":"0","input":"start"}');
INSERT INTO "entries" VALUES(3,1,1000,'{"decided":"1","input":"text","ref":1,"text":"x"}');
INSERT INTO "entries" VALUES(3,2,2000,'{"decided":"2","input":"reasoning","ref":1,"text":"x"}');
INSERT INTO "entries" VALUES(3,3,3000,'{"attempts":1,"decided":"3","input":"asked","key_id":"k","ms":5,"outcome":{"completion":{"extra":[],"finish":"stop","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"},"served_by":"p","usage":{"cache_write":0,"cached":0,"cost_micros":null,"input":10,"output":5,"reasoning":0}}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,4,4000,'{"decided":"4","input":"delegated","outcome":{"completion":{"extra":[],"finish":"stop","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"},"served_by":"p","usage":{"cache_write":0,"cached":0,"cost_micros":null,"input":10,"output":5,"reasoning":0}}},"ref":4,"spent":{"llm_calls":0,"steps":1,"tool_calls":0}}');
INSERT INTO "entries" VALUES(3,5,5000,'{"approved":true,"call_id":"c","comment":"x","decided":"5","input":"approval"}');
INSERT INTO "entries" VALUES(3,6,6000,'{"decided":"6","input":"timer","ref":3}');
INSERT INTO "entries" VALUES(3,7,7000,'{"decided":"7","input":"said","message":{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"assistant"}}');
INSERT INTO "entries" VALUES(3,8,8000,'{"decided":"8","input":"deadline"}');
INSERT INTO "entries" VALUES(3,9,9000,'{"decided":"9","input":"restarted","ref":2}');
INSERT INTO "entries" VALUES(3,10,10000,'{"decided":"a","input":"cancel"}');
INSERT INTO "entries" VALUES(3,11,11000,'{"attempts":1,"decided":"b","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"unavailable","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,12,12000,'{"attempts":1,"decided":"c","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"rate_limited","seconds":3}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,13,13000,'{"attempts":1,"decided":"d","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"rate_limited","seconds":null}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,14,14000,'{"attempts":1,"decided":"e","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"context_too_long"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,15,15000,'{"attempts":1,"decided":"f","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"refused","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,16,16000,'{"attempts":1,"decided":"10","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"budget_exceeded","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,17,17000,'{"attempts":1,"decided":"11","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"invalid_request","text":"x"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,18,18000,'{"attempts":1,"decided":"12","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"cancelled"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,19,19000,'{"attempts":1,"decided":"13","input":"asked","key_id":"k","ms":5,"outcome":{"error":{"kind":"timed_out"}},"profile":"p","ref":1}');
INSERT INTO "entries" VALUES(3,20,20000,'{"decided":"14","input":"tool","result":{"call_id":"c","error":{"kind":"not_found"}}}');
INSERT INTO "entries" VALUES(3,21,21000,'{"decided":"15","input":"tool","result":{"call_id":"c","error":{"kind":"invalid_arguments","text":"x"}}}');
INSERT INTO "entries" VALUES(3,22,22000,'{"decided":"16","input":"tool","result":{"call_id":"c","error":{"kind":"denied","text":"x"}}}');
INSERT INTO "entries" VALUES(3,23,23000,'{"decided":"17","input":"tool","result":{"call_id":"c","error":{"kind":"failed","text":"x"}}}');
INSERT INTO "entries" VALUES(3,24,24000,'{"decided":"18","input":"tool","result":{"call_id":"c","error":{"kind":"busy","ms":250}}}');
INSERT INTO "entries" VALUES(3,25,25000,'{"decided":"19","input":"tool","result":{"call_id":"c","error":{"kind":"timed_out"}}}');
INSERT INTO "entries" VALUES(3,26,26000,'{"decided":"1a","input":"tool","result":{"call_id":"c","error":{"kind":"outcome_unknown"}}}');
CREATE TABLE jobs (
        sid INTEGER PRIMARY KEY, token INTEGER NOT NULL, owner TEXT NOT NULL, leased_until_ms INTEGER NOT NULL,
        delegated INTEGER NOT NULL
    ) STRICT;
CREATE TABLE records (
        sid INTEGER NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (sid, seq)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "records" VALUES(1,0,1000,'{"alias":"deep","digest":"0707070707070707070707070707070707070707070707070707070707070707","event":"SessionCreated","pattern":"basic_react","session_id":"s0"}');
INSERT INTO "records" VALUES(1,1,2000,'{"event":"StepStarted","step":2}');
INSERT INTO "records" VALUES(1,2,2000,'{"event":"AgentThoughtStream","text":"t"}');
INSERT INTO "records" VALUES(1,3,2000,'{"arguments":"x","call_id":"x","event":"AgentToolCallStart","tool_name":"x"}');
INSERT INTO "records" VALUES(1,4,2000,'{"call_id":"x","event":"AgentToolCallEnd","ok":true,"output":"x"}');
INSERT INTO "records" VALUES(1,5,2000,'{"event":"Observation","text":"x"}');
INSERT INTO "records" VALUES(1,6,2000,'{"attempts":2,"event":"LlmCall","key_id":"openai#1","ms":9,"profile":"x","usage":{"cache_write":0,"cached":0,"cost_micros":3,"input":1,"output":2,"reasoning":0}}');
INSERT INTO "records" VALUES(1,7,2000,'{"event":"Progress","kind":"x","payload":"{}"}');
INSERT INTO "records" VALUES(1,8,2000,'{"event":"FinalAnswerStream","text":"x"}');
INSERT INTO "records" VALUES(1,9,3000,'{"answer":"x","event":"FinalAnswerStreamEnd","finish":"length","limit":"cost","spent":{"llm_calls":2,"steps":1,"tool_calls":3},"tool_calls":[{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}],"usage":{"cache_write":0,"cached":0,"cost_micros":null,"input":1,"output":2,"reasoning":0}}');
INSERT INTO "records" VALUES(2,0,1000,'{"alias":"deep","digest":"0707070707070707070707070707070707070707070707070707070707070707","event":"SessionCreated","pattern":"basic_react","session_id":"s1"}');
INSERT INTO "records" VALUES(2,1,2000,'{"event":"StepStarted","step":2}');
INSERT INTO "records" VALUES(2,2,2000,'{"event":"AgentThoughtStream","text":"t"}');
INSERT INTO "records" VALUES(2,3,2000,'{"arguments":"x","call_id":"x","event":"AgentToolCallStart","tool_name":"x"}');
INSERT INTO "records" VALUES(2,4,2000,'{"call_id":"x","event":"AgentToolCallEnd","ok":true,"output":"x"}');
INSERT INTO "records" VALUES(2,5,2000,'{"event":"Observation","text":"x"}');
INSERT INTO "records" VALUES(2,6,2000,'{"attempts":2,"event":"LlmCall","key_id":"openai#1","ms":9,"profile":"x","usage":{"cache_write":0,"cached":0,"cost_micros":3,"input":1,"output":2,"reasoning":0}}');
INSERT INTO "records" VALUES(2,7,2000,'{"event":"Progress","kind":"x","payload":"{}"}');
INSERT INTO "records" VALUES(2,8,2000,'{"event":"FinalAnswerStream","text":"x"}');
INSERT INTO "records" VALUES(2,9,3000,'{"code":"x","event":"SessionFailed","message":"x"}');
INSERT INTO "records" VALUES(3,0,1000,'{"alias":"deep","digest":"0707070707070707070707070707070707070707070707070707070707070707","event":"SessionCreated","pattern":"basic_react","session_id":"s2"}');
INSERT INTO "records" VALUES(3,1,2000,'{"event":"StepStarted","step":2}');
INSERT INTO "records" VALUES(3,2,2000,'{"event":"AgentThoughtStream","text":"t"}');
INSERT INTO "records" VALUES(3,3,2000,'{"arguments":"x","call_id":"x","event":"AgentToolCallStart","tool_name":"x"}');
INSERT INTO "records" VALUES(3,4,2000,'{"call_id":"x","event":"AgentToolCallEnd","ok":true,"output":"x"}');
INSERT INTO "records" VALUES(3,5,2000,'{"event":"Observation","text":"x"}');
INSERT INTO "records" VALUES(3,6,2000,'{"attempts":2,"event":"LlmCall","key_id":"openai#1","ms":9,"profile":"x","usage":{"cache_write":0,"cached":0,"cost_micros":3,"input":1,"output":2,"reasoning":0}}');
INSERT INTO "records" VALUES(3,7,2000,'{"event":"Progress","kind":"x","payload":"{}"}');
INSERT INTO "records" VALUES(3,8,2000,'{"event":"FinalAnswerStream","text":"x"}');
INSERT INTO "records" VALUES(3,9,3000,'{"event":"SessionCancelled"}');
CREATE TABLE sessions (
        sid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, alias TEXT NOT NULL, pattern TEXT NOT NULL, digest BLOB,
        parent TEXT, bound INTEGER NOT NULL, status TEXT NOT NULL, created_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL, next_seq INTEGER NOT NULL, next_entry INTEGER NOT NULL, bytes INTEGER NOT NULL,
        format INTEGER NOT NULL, spec TEXT NOT NULL
    , owner TEXT) STRICT;
INSERT INTO "sessions" VALUES(1,'s0','deep','basic_react',X'0707070707070707070707070707070707070707070707070707070707070707',NULL,0,'answered',1000,3000,10,27,6332,1,'{"client_tools":[],"context":{"agents":[{"description":"b","name":"a"}],"extra":[{"key":"k","value":"1"}],"limits":{"cost_micros":null,"depth":0,"llm_calls":40,"parallel":4,"steps":12,"tool_calls":40,"total_tokens":5,"wall_ms":600000},"messages":[{"parts":[{"text":"What is 2+2?"}],"role":"user"},{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"tool"}],"options":"{}","seed":"ffffffffffffffff","session_id":"s","tools":[{"description":"The calculator.","destructive":false,"idempotent":false,"name":"calculator","open_world":false,"output":null,"parameters":"{\"type\": \"object\", \"properties\": {\"expression\": {\"type\": \"string\"}}, \"required\": [\"expression\"]}","read_only":false},{"description":"The clock.","destructive":false,"idempotent":false,"name":"clock","open_world":false,"output":null,"parameters":"{\"type\": \"object\"}","read_only":false}]},"guarded_tools":["remove"],"guide":{"loop":{"client_tools":[{"description":"The calculator.","destructive":false,"idempotent":false,"name":"calculator","open_world":false,"output":null,"parameters":"{\"type\": \"object\", \"properties\": {\"expression\": {\"type\": \"string\"}}, \"required\": [\"expression\"]}","read_only":false},{"description":"The clock.","destructive":false,"idempotent":false,"name":"clock","open_world":false,"output":null,"parameters":"{\"type\": \"object\"}","read_only":false}],"generation":{"max_output_tokens":9,"temperature":0.699999988079071,"top_p":null},"policy":{"client_instruction":null,"client_manifests":["c"],"server_instruction":"s","server_manifests":["m"]},"protocol":"grammar","structure":[{"content":"x","tag":"PLAN"}],"tool_required":true}},"lineage":["above"]}','vk_7f3a');
INSERT INTO "sessions" VALUES(2,'s1','deep','basic_react',X'0707070707070707070707070707070707070707070707070707070707070707',NULL,0,'failed',1000,3000,10,27,5459,1,'{"client_tools":[],"context":{"agents":[{"description":"b","name":"a"}],"extra":[{"key":"k","value":"1"}],"limits":{"cost_micros":null,"depth":0,"llm_calls":40,"parallel":4,"steps":12,"tool_calls":40,"total_tokens":5,"wall_ms":600000},"messages":[{"parts":[{"text":"What is 2+2?"}],"role":"user"},{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"tool"}],"options":"{}","seed":"ffffffffffffffff","session_id":"s","tools":[{"description":"The calculator.","destructive":false,"idempotent":false,"name":"calculator","open_world":false,"output":null,"parameters":"{\"type\": \"object\", \"properties\": {\"expression\": {\"type\": \"string\"}}, \"required\": [\"expression\"]}","read_only":false},{"description":"The clock.","destructive":false,"idempotent":false,"name":"clock","open_world":false,"output":null,"parameters":"{\"type\": \"object\"}","read_only":false}]},"guarded_tools":["remove"],"guide":{"component":{"generation":{"max_output_tokens":9,"temperature":0.699999988079071,"top_p":null},"preamble":"p"}},"lineage":["above"]}','vk_7f3a');
INSERT INTO "sessions" VALUES(3,'s2','deep','basic_react',X'0707070707070707070707070707070707070707070707070707070707070707',NULL,0,'cancelled',1000,3000,10,27,5428,1,'{"client_tools":[],"context":{"agents":[{"description":"b","name":"a"}],"extra":[{"key":"k","value":"1"}],"limits":{"cost_micros":null,"depth":0,"llm_calls":40,"parallel":4,"steps":12,"tool_calls":40,"total_tokens":5,"wall_ms":600000},"messages":[{"parts":[{"text":"What is 2+2?"}],"role":"user"},{"parts":[{"text":"a\n😀"},{"media":{"mime":"image/png","url":"data:,"}},{"reasoning":"hm"},{"call":{"arguments":"{\"x\": \"é\"}","id":"c","name":"t"}},{"result":{"call_id":"c","output":{"structured":"[1]","text":"4"}}}],"role":"tool"}],"options":"{}","seed":"ffffffffffffffff","session_id":"s","tools":[{"description":"The calculator.","destructive":false,"idempotent":false,"name":"calculator","open_world":false,"output":null,"parameters":"{\"type\": \"object\", \"properties\": {\"expression\": {\"type\": \"string\"}}, \"required\": [\"expression\"]}","read_only":false},{"description":"The clock.","destructive":false,"idempotent":false,"name":"clock","open_world":false,"output":null,"parameters":"{\"type\": \"object\"}","read_only":false}]},"guarded_tools":["remove"],"guide":{"component":{"generation":{"max_output_tokens":null,"temperature":null,"top_p":null},"preamble":null}},"lineage":["above"]}','vk_7f3a');
CREATE INDEX sessions_by_age ON sessions (created_ms);
CREATE INDEX sessions_by_end ON sessions (status, updated_ms);
CREATE INDEX sessions_by_owner ON sessions (owner, created_ms);
COMMIT;
