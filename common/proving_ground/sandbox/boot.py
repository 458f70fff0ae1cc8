"""The first code of a run, inside the sandbox: take on the limits, report readiness, become the program.

Its text is handed to the interpreter with ``-c``; importing it does nothing. Arguments: the descriptor to
report on, the one to wait on, the path of the program, then ``RLIMIT_NAME=value``.
"""


def become() -> None:
    """Run the program named on the command line in this module's place."""
    # Imported here, so that the program finds an empty module. pathlib would cost a fifth of the launch.
    import os
    import resource
    import sys

    ready, go_ahead, entry, *limits = sys.argv[1:]
    with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("1000")  # when memory runs out, the kernel takes the program and not the trainer
    for name, _, value in (limit.partition("=") for limit in limits):
        resource.setrlimit(getattr(resource, name), (int(value), int(value)))
    with open(entry, "rb") as file:  # noqa: PTH123
        source = file.read()
    sys.argv[:] = [entry]
    sys.path[0] = os.path.dirname(entry)  # noqa: PTH120
    main = sys.modules["__main__"].__dict__
    main.update(__file__=entry, __doc__=None)
    del main["become"]
    if not os.read(int(go_ahead), 1):
        os._exit(1)  # nobody watches: the caller died during the launch
    os.close(int(go_ahead))
    os.write(int(ready), b"1")
    os.close(int(ready))
    exec(compile(source, entry, "exec"), main)


if __name__ == "__main__":
    become()
