"""An OpenAI-compatible model server of a set answer quality, for demos and tests.

It owns the imitation of a model: answers from a knowledge file, the timing of a decoder, the metrics of vLLM 0.33.
It is ours and not vLLM, and says so in `--help`, in its `Server` header and here; it must not import `serinus`:
it runs alone in a small image with aiohttp, prometheus-client and PyYAML.
"""

SERVER_NAME = "serinus-test-modelserver/1 (imitates vLLM 0.33; not vLLM)"
