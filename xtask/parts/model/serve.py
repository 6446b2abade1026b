"""Serves one model by llama.cpp's HTTP server until it is ended by a signal.

Arguments: the model's weights, its chat template, the name to serve it by, the port of 127.0.0.1.
"""

import signal
import sys

from xllamacpp import CommonParams, Server

weights, template, alias, port = sys.argv[1:]

params = CommonParams()
params.model.path = weights
params.model_alias = {alias}
params.hostnames = ["127.0.0.1"]
params.port = int(port)
params.ui = False
params.endpoint_metrics = True

# The context is shared by the slots: two requests at once with 4,096 tokens each.
params.n_ctx = 8192
params.n_parallel = 2
params.cpuparams.n_threads = 2

# A small model is only dependable at its likeliest words; a request may still ask otherwise.
params.sampling.temp = 0.0

# The model's own template knows no tools; this one shows it how to call them.
params.use_jinja = True
with open(template, encoding="utf-8") as file:
    params.chat_template = file.read()

# The server lives in threads of its own for as long as this object does.
server = Server(params)
signal.pause()
