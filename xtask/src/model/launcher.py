"""Serves one GGUF file over llama.cpp's own OpenAI-compatible server, on a free port of the loopback.

Arguments: the file, threads, slots, context tokens per slot. Prints the served address as one line, then
runs until its standard input closes: the parent holds the other end, so even a killed parent ends it.
"""

import os
import signal
import sys


def params(gguf, threads, slots, slot_tokens):
    import xllamacpp

    made = xllamacpp.CommonParams()
    made.model.path = gguf
    made.model_alias = {os.path.basename(gguf).split(".")[0]}
    made.hostnames = ["127.0.0.1"]
    made.port = 0
    made.n_parallel = slots
    made.n_ctx = slots * slot_tokens
    made.n_gpu_layers = 0
    made.cpuparams.n_threads = threads
    made.cpuparams_batch.n_threads = threads
    made.n_threads_http = 4
    made.cache_prompt = True
    made.cache_ram_mib = 256
    # The model's own card asks for these; the library's 0.8 makes so small a model babble.
    made.sampling.temp = 0.2
    made.sampling.top_p = 0.9
    made.endpoint_slots = False
    made.ui = False
    # Warnings and errors: a line for each request would make the log grow without bound.
    made.verbosity = 2
    return made


def main():
    gguf, threads, slots, slot_tokens = sys.argv[1], *map(int, sys.argv[2:5])
    # A terminal sends its interrupt to us too, but the gateway may still be draining: it says when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The library writes its log to both outputs: the address needs a stream of its own.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import xllamacpp

    server = xllamacpp.Server(params(gguf, threads, slots, slot_tokens))
    answer.write(server.listening_address + "\n")
    answer.close()
    while os.read(0, 4096):
        pass
    # Requests in flight have nobody left to answer: no orderly wind-down is waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
