"""The words of tasksync, and the seams between its layers.

connection
    one configured account at one CRM: name, type, url, credentials, time zone
group
    the connections that are kept in step with each other
record
    a task (later also a case); has an id of ours that never changes
replica
    a record's copy in one connection; unique by (connection, kind, external id); at most one per record and connection
shadow
    what a replica looked like when we last read or wrote it, as the server gave it back, normalised
snapshot
    the result of one poll of one connection: complete, or not
change
    a difference between a snapshot and the shadow, per field, with the time it was made
conflict
    two connections changed the same field of the same record to different values since their shadows
operation
    one create, update, complete, reopen or delete that a connection still has to get; lives in the outbox
hold
    something a person has to decide: a suspicious deletion, an ambiguous match, a record a CRM refuses
revision
    one row of a record's history: field, old value, new value, who, when, why

The engine knows the world through the protocols below and through nothing else. Times are aware UTC by our clock unless
a docstring says otherwise.
"""

from tasksync.ports.connector import Account, Capabilities, Connector, Finding, Sighting
from tasksync.ports.cost import Cost, Traffic, Usage
from tasksync.ports.http import Dial, Http, RateLimit, Response
from tasksync.ports.kept import (
    Conflict,
    ConnectionState,
    Correspondence,
    Decision,
    Depth,
    Hold,
    HoldReason,
    OperationState,
    Queued,
    Revision,
    RunReport,
)
from tasksync.ports.mirror import Mirror, Unit
from tasksync.ports.signing_in import OAuthServer, SignIn, Tokens
from tasksync.ports.surroundings import Clock, Log, Meter

__all__ = [
    "Account",
    "Capabilities",
    "Clock",
    "Conflict",
    "ConnectionState",
    "Connector",
    "Correspondence",
    "Cost",
    "Decision",
    "Depth",
    "Dial",
    "Finding",
    "Hold",
    "HoldReason",
    "Http",
    "Log",
    "Meter",
    "Mirror",
    "OAuthServer",
    "OperationState",
    "Queued",
    "RateLimit",
    "Response",
    "Revision",
    "RunReport",
    "Sighting",
    "SignIn",
    "Tokens",
    "Traffic",
    "Unit",
    "Usage",
]
