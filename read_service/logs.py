"""Structured logs on stdout: JSON lines, or something for eyes where a terminal is."""

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Set up structlog and send what libraries log (warnings and worse) the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    on_terminal = sys.stdout.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    )
    readable: list[structlog.typing.Processor] = [] if on_terminal else [structlog.processors.dict_tracebacks]
    structlog.configure(
        processors=[*shared, *readable, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *readable, renderer],
        )
    )
    of_libraries = max(logging.WARNING, logging.getLevelNamesMapping()[level])
    # One line at each try to connect; whoever tries says so, and health shows it.
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)
    logging.basicConfig(level=of_libraries, handlers=[handler], force=True)
