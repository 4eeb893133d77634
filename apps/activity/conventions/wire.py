"""The messages of OTLP with their attributes as a map.

On the wire a list of pairs and a map are one and the same: of pairs with one key the last counts.
As a map they are read in less time, because no object is made for each pair.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

PAIR = ".opentelemetry.proto.common.v1.KeyValue"
VALUE = ".opentelemetry.proto.common.v1.AnyValue"
TEXT, MESSAGE = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_MESSAGE


def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for module in (common_pb2, resource_pb2, trace_pb2, logs_pb2):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for name, message in _messages(file.message_type, f".{file.package}"):
            _with_maps(name, message)
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def _messages(
    some: Iterable[DescriptorProto], within: str
) -> Iterator[tuple[str, DescriptorProto]]:
    for message in some:
        name = f"{within}.{message.name}"
        yield name, message
        yield from _messages(message.nested_type, name)


def _with_maps(name: str, message: DescriptorProto) -> None:
    for field in message.field:
        if field.name == "attributes" and field.type_name == PAIR:
            entry = message.nested_type.add(name="AttributesEntry")
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, type=TEXT)
            entry.field.add(name="value", number=2, type_name=VALUE, type=MESSAGE)
            field.type_name = f"{name}.AttributesEntry"


def _message(name: str) -> Any:
    return GetMessageClass(POOL.FindMessageTypeByName(f"opentelemetry.proto.{name}"))


POOL = _pool()
Resource = _message("resource.v1.Resource")
Span, ScopeSpans = _message("trace.v1.Span"), _message("trace.v1.ScopeSpans")
LogRecord, ScopeLogs = _message("logs.v1.LogRecord"), _message("logs.v1.ScopeLogs")
