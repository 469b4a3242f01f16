"""Bringing the schema of an outbox up to date, in one transaction: wholly or not at all.

Alembic does the work. It is loaded only where there is something to do, since it takes longer
to load than a command takes to run.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from fhir_backpain.errors import OutboxError
from fhir_backpain.outbox.act import actor_of_process
from fhir_backpain.outbox.clock import format_instant
from fhir_backpain.outbox.messages import NEWER_SCHEMA
from fhir_backpain.telemetry.event import log

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""The schemas that this program knows, oldest first; the last is the one that it works with."""
VERSION_TABLE = "outbox_version"
_TELL = """
INSERT INTO audit (at, actor, via, action, detail) VALUES (:at, :actor, :via, 'migrated', :detail)
"""
_logger = logging.getLogger(__name__)


def is_current(revision: str, name: str) -> bool:
    """True where a schema is this program's; raises OutboxError where it is a newer one."""
    if revision not in REVISIONS:
        text = f"{name} has schema {revision}; this program knows schemas up to {REVISIONS[-1]}."
        raise OutboxError(NEWER_SCHEMA.issue(text))
    return revision == REVISIONS[-1]


def upgrade_sqlite(connect: Callable[[], Any], baseline: Callable[[Any], str | None]) -> None:
    """Upgrade the file that `connect` opens; `baseline` tells what has no version table yet."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", lambda one: one.exec_driver_sql("BEGIN IMMEDIATE"))
    _upgrade(engine, lambda one: baseline(one.connection.dbapi_connection))


def upgrade_postgresql(connect: Callable[[], Any], schema: str, lock: int) -> None:
    """Upgrade a schema, made where there is none; one process at a time, by an advisory lock."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool
    from sqlalchemy.schema import CreateSchema

    def prepare(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        # Asked first: to make a schema needs rights that to use one does not.
        if not connection.dialect.has_schema(connection, schema):
            connection.execute(CreateSchema(schema))

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    _upgrade(engine, prepare)


def _upgrade(engine: Engine, prepare: Callable[[Connection], str | None]) -> None:
    """Run what is missing; raises the errors of the database's driver."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from sqlalchemy.exc import DBAPIError

    with as_file(files("fhir_backpain.outbox") / "migrations") as folder:
        script = ScriptDirectory(str(folder), version_locations=[str(folder)])
        environment = EnvironmentContext(
            Config(), script, fn=lambda heads, _: script._upgrade_revs("head", heads)
        )
        try:
            with environment, engine.begin() as connection:
                stamp = prepare(connection)
                environment.configure(
                    connection=connection, version_table=VERSION_TABLE, transactional_ddl=True
                )
                if stamp is not None:
                    environment.get_context().stamp(script, stamp)
                before = environment.get_context().get_current_revision()
                environment.run_migrations()
                _tell(connection, before)
        except DBAPIError as error:
            raise error.orig or error from None


def _tell(connection: Connection, before: str | None) -> None:
    """Add the migration to the trail, in the transaction that it is done in."""
    from sqlalchemy import text

    after = REVISIONS[-1]
    if before == after:  # another process was quicker
        return
    actor = actor_of_process("engine")
    detail = json.dumps({"to": after} if before is None else {"from": before, "to": after})
    told = {"at": format_instant(datetime.now(UTC)), "actor": actor.name, "via": actor.via}
    connection.execute(text(_TELL), {**told, "detail": detail})
    log(_logger, logging.INFO, "migrated", before=before, after=after)
