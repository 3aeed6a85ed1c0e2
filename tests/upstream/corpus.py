"""The recorded streams of every surface."""

from router.core.surface import Surface
from tests.upstream.recorded import STREAMS
from tests.upstream.recorded_completions import COMPLETIONS
from tests.upstream.recorded_messages import MESSAGES
from tests.upstream.recorded_responses import RESPONSES

ALL = {
    Surface.CHAT: STREAMS,
    Surface.COMPLETIONS: COMPLETIONS,
    Surface.MESSAGES: MESSAGES,
    Surface.RESPONSES: RESPONSES,
}
NAMES = [(surface, name) for surface, streams in ALL.items() for name in streams]
