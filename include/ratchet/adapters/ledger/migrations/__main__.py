"""Write the next revision from what the code's tables have and the newest revision does not."""

from __future__ import annotations

import sys

from include.ratchet.adapters.ledger import migrate

sys.stdout.write(f"{migrate.write_revision(' '.join(sys.argv[1:]))}\n")
