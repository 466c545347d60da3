"""A server on loopback that speaks Chat Completions and answers every turn at once, as any model would that has
nothing to do: an empty plan, "Done.", full marks."""
import contextlib
import http.server
import json
import re
import threading
import time

DIMENSION = re.compile(r"(?m)^- `?([a-z][a-z_-]*)`? \(")


class Turn(http.server.BaseHTTPRequestHandler):
    """One connection. `server.waits` says of each turn when it came and when it was answered."""
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; the second must not wait until the client acknowledges the first.
    disable_nagle_algorithm = True

    def do_POST(self):
        came = time.monotonic()
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        stream = answer(body).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(stream)))
        self.end_headers()
        self.wfile.write(stream)
        self.server.waits.append((came, time.monotonic()))

    def log_message(self, *_):
        pass


def answer(body):
    """Returns the stream that answers a request."""
    called = {tool["function"]["name"] for tool in body.get("tools", [])}
    if "submit_plan" in called:
        delta = call("submit_plan", {"effort": "answer", "kind": "general", "steps": [], "criteria": []})
    elif "submit_verdict" in called:
        said = "\n".join(text(message["content"]) for message in body["messages"])
        scores = [{"dimension": name, "score": 9.0} for name in DIMENSION.findall(said)]
        delta = call("submit_verdict", {"scores": scores, "findings": []})
    else:
        delta = {"role": "assistant", "content": "Done."}
    reason = "tool_calls" if "tool_calls" in delta else "stop"
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    chunks = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": usage},
    ]
    about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    return "".join(f"data: {json.dumps(about | chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def text(content):
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content or [])


def call(tool, arguments):
    function = {"name": tool, "arguments": json.dumps(arguments)}
    tool_call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [tool_call]}


@contextlib.contextmanager
def instant():
    """Runs the server on a free port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Turn) as server:
        server.waits = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
