"""The first process of a sandbox, inside it: waits for programs' inputs and runs the program afresh for each.

Its code is handed to the interpreter with ``-c``; importing it does nothing. Argument: a socket's number.
Each message there is one run: the limits as words, and the descriptors that become its stdin, stdout and
stderr. A fork of this process, which has run nothing yet, takes on the limits and becomes the program; it
says ``started`` first. When it has ended, whatever it left running is killed, and the answer is its wait
status, its CPU seconds, this process's CPU seconds so far, and whether it left no trace, neither a process
nor anything in ``/tmp``. After a trace the caller must not send another input.
"""


def serve() -> None:
    """Answer one message after another; in the fork that becomes the program, run it and end as Python does.

    The one difference: the interpreter is not torn down piece by piece, which costs more than most programs.
    """
    # Imported here, so that the program finds an empty module; no package of Python code among them, because
    # each costs part of a launch.
    import _socket
    import atexit
    import builtins
    import gc
    import os
    import resource
    import sys

    entry = "/box/main.py"

    def protect(dumpable: int) -> None:
        """Decide whether processes of the same user may open this one's memory and descriptors."""
        import _ctypes  # what ctypes is written on, at a tenth of its import

        prctl = _ctypes.dlsym(_ctypes.dlopen(None), "prctl")  # type: ignore[arg-type]
        _ctypes.call_function(prctl, (4, dumpable, 0, 0, 0))

    def cpu_seconds() -> float:
        return sum(os.times()[:4])

    def traces() -> object:
        tmp = os.stat("/tmp")  # noqa: PTH116
        return tmp.st_mode, tmp.st_uid, tmp.st_mtime_ns, tmp.st_ctime_ns, os.listdir("/tmp")  # noqa: PTH208

    control = _socket.socket(fileno=int(sys.argv[1]))
    untouched = traces()
    gc.freeze()  # a collection in a fork would copy every page of what is here already
    control.send(b"ready %f" % cpu_seconds())
    while True:
        message, ancillary, *_ = control.recvmsg(4096, _socket.CMSG_SPACE(12))
        if not message:
            os._exit(0)  # the caller is gone
        descriptors = memoryview(ancillary[0][2]).cast("i").tolist()
        more, *limits = message.decode().split()
        if more == "1":
            protect(0)
        try:
            pid = os.fork()
        except OSError as error:
            control.send(b"failed %d" % (error.errno or 0))
            os._exit(0)
        if pid:
            for descriptor in descriptors:
                os.close(descriptor)
            _, status, usage = os.wait4(pid, 0)
            try:
                os.kill(-1, 9)
                clean = False
            except ProcessLookupError:  # nobody but us
                clean = traces() == untouched
            spent = usage.ru_utime + usage.ru_stime
            control.send(b"ended %d %f %f %d" % (status, spent, cpu_seconds(), clean))
            continue
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        if more == "1":
            protect(1)  # otherwise /dev/stdout and its like are closed to the program itself
        for name, _, value in (word.partition("=") for word in limits):
            number = getattr(resource, "RLIMIT_" + name)
            most = resource.getrlimit(number)[1]  # of the caller, who may be limited himself
            limit = int(value) if most == resource.RLIM_INFINITY else min(int(value), most)
            resource.setrlimit(number, (limit, limit))
        with open(entry, "rb") as file:  # noqa: PTH123
            source = file.read()
        control.send(b"started")
        control.close()
        break
    for name in ("exit", "quit"):  # programs use what the site module makes, which is not loaded
        setattr(builtins, name, sys.exit)
    sys.argv[:] = [entry]
    sys.path[0] = os.path.dirname(entry)  # noqa: PTH120
    main = sys.modules["__main__"].__dict__
    main.update(__file__=entry, __doc__=None)
    del main["serve"]
    code: int | None = 0
    try:
        exec(compile(source, entry, "exec"), main)
    except SystemExit as stop:
        if isinstance(stop.code, int | None):
            code = stop.code
        else:
            print(stop.code, file=sys.stderr)  # noqa: T201 - as Python does
            code = 1
    except BaseException:  # noqa: BLE001 - what ends a program, it ends with its traceback
        sys.excepthook(*sys.exc_info())
        code = 1
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    for name in [name for name in main if not name.startswith("__")]:
        main[name] = None  # what writes or says something when it goes does so now
    gc.collect()
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:  # noqa: BLE001 - the program may have put anything in its place
            code = code or 120
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    serve()
