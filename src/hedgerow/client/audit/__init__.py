"""Auditing clients: what a coordinator can tell of a history from when and how much is sent."""

from hedgerow.client.audit.models import recipes as recipes
from hedgerow.client.audit.silence import silence_verdicts as silence_verdicts
