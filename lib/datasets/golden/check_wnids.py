"""Fails unless lib/datasets/imagenet/imagenet_classes.ts has the classes of timm's lists.

    python3 -m venv oracle && oracle/bin/pip install --no-deps timm==1.0.31
    oracle/bin/python lib/datasets/golden/check_wnids.py oracle/lib/python*/site-packages/timm/data/_info
"""

import re
import sys
from pathlib import Path

info = Path(sys.argv[1])
source = (Path(__file__).parent.parent / "imagenet" / "imagenet_classes.ts").read_text()
blocks = [block.split() for block in re.findall(r"`\n([\d\s]+)\n`", source)]
wnids = ["n" + number for number in blocks[0]]
assert wnids == (info / "imagenet_synsets.txt").read_text().split()
for name, classes in (("a", blocks[1]), ("r", blocks[2])):
    assert classes == (info / f"imagenet_{name}_indices.txt").read_text().split()
    assert [wnids[int(c)] for c in classes] == (info / f"imagenet_{name}_synsets.txt").read_text().split()
print("the same")
