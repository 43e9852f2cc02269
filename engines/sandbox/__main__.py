"""`python -m engines.sandbox`: start the sandbox, stop it on SIGTERM or Ctrl-C."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from .app import App
from .engine import Engine, Options

log = logging.getLogger("sandbox")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    args = _arguments()
    if not args.key:
        print("The sandbox needs a key: --key or SANDBOX_KEY.", file=sys.stderr)
        return 1
    # The server shares ports; two sandboxes on one port would each get half of the calls.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((args.host, args.port))
        except OSError as problem:
            print(f"The sandbox cannot use {args.host}:{args.port}: {problem.strerror}.", file=sys.stderr)
            return 1
    options = Options(
        host=args.host,
        port=args.port,
        key=args.key,
        data=Path(args.data),
        clock=args.clock,
        seed=args.seed,
        concurrent=args.concurrent,
    )
    try:
        asyncio.run(_serve(options, args.receiver_url, args.receiver_secret))
    except OSError as problem:
        print(f"The sandbox cannot work in {options.data}: {problem.strerror}.", file=sys.stderr)
        return 1
    return 0


async def _serve(options: Options, receiver_url: str | None, receiver_secret: str | None) -> None:
    engine = Engine(options)
    if receiver_url and receiver_secret:
        engine.receiver.point({"url": receiver_url, "secret": receiver_secret})
    # One process: when it is killed nothing of it lives on.
    server = Server(
        App(engine),
        address=options.host,
        port=options.port,
        interface=Interfaces.ASGINL,
        log_enabled=False,
        websockets=False,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve())
    engine.start()
    log.info("sandbox on http://%s:%d, clock %g, seed %d", options.host, options.port, options.clock, options.seed)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await engine.stop()
    server.stop()
    await asyncio.wait({serving}, timeout=2)
    stopping.cancel()
    log.info("sandbox stopped")


def _arguments() -> argparse.Namespace:
    """Options with their environment; an option wins."""
    env = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m engines.sandbox", description="Simulated voice engine")
    parser.add_argument("--host", default=env("SANDBOX_HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=int(env("SANDBOX_PORT", "7001")))
    parser.add_argument("--key", default=env("SANDBOX_KEY", ""), help="Bearer key of every request")
    parser.add_argument("--data", default=env("SANDBOX_DATA", "var/sandbox"), help="folder of the ring log")
    parser.add_argument("--clock", type=_factor, default=env("SANDBOX_CLOCK", "1"), help="1 real time, 0 instant")
    parser.add_argument("--seed", type=int, default=int(env("SANDBOX_SEED", "1")))
    parser.add_argument("--concurrent", type=int, default=int(env("SANDBOX_CONCURRENT", "200")), help="number of lines")
    parser.add_argument("--receiver-url", help="where events go, until the control plane says otherwise")
    parser.add_argument("--receiver-secret")
    return parser.parse_args()


def _factor(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError("0 to 100")
    return value


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The server's own threads may still be on their way into the interpreter; one that arrives while it is taken down
    # ends the process as a crash.
    os._exit(code)
