"""What the AsyncAPI document says the services emit is what the node's declaration says."""

from creditmesh.node.declaration import NODE
from creditmesh.schemas.asyncapi import STREAMS


def test_the_documented_streams_are_the_declared_ones():
    declared = {service.name: set(service.emits) for service in NODE.services if service.emits}
    assert {name: set(emitted) for name, emitted in STREAMS.items()} == declared


def test_what_a_service_handles_some_service_emits():
    emitted = {event for events in STREAMS.values() for event in events}
    for service in NODE.services:
        assert set(service.handles) <= emitted, service.name
