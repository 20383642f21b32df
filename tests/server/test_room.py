"""Room for bodies: in turn, and taken back."""

import asyncio

from hedgerow.server.room import Room


def test_room_for_bodies_is_given_in_turn_and_taken_back():
    room, order = Room(10), []

    async def use(name, length, leave):
        async with room.of(length):
            order.append(name)
            await leave.wait()

    async def main():
        leave = asyncio.Event()
        first = asyncio.create_task(use("six", 6, leave))
        large = asyncio.create_task(use("larger than all", 99, asyncio.Event()))
        last = asyncio.create_task(use("three", 3, leave))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == ["six"]
        large.cancel()
        await asyncio.gather(large, return_exceptions=True)
        await asyncio.sleep(0)
        assert order == ["six", "three"]
        leave.set()
        await asyncio.gather(first, last)
        async with asyncio.timeout(5), room.of(10):
            pass

    asyncio.run(main())
