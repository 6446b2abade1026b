"""What the conformance suite runs as a client: tells a test the URL, and waits until it is done."""

import json
import os
import sys
import time

folder, url = sys.argv[1], sys.argv[2]
told = {"url": url, "context": json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")}
with open(folder + "/told.tmp", "w") as file:
    json.dump(told, file)
os.rename(folder + "/told.tmp", folder + "/told")
for _ in range(600):
    if os.path.exists(folder + "/done"):
        sys.exit(0)
    time.sleep(0.05)
sys.exit(1)
