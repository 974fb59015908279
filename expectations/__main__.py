"""The process of `process.prepare`, which gives it the number of a pipe."""

import sys
from multiprocessing.connection import Connection

from expectations.process import serve

serve(Connection(int(sys.argv[1])))
