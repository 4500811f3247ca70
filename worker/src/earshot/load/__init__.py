"""`earshot load-test`: many simulated callers over WebRTC, and what each of them met with.

    plan          what is to be done, and the limits of it
    questions     what callers say, and what counts as a right answer
    script        what one caller does, as its process is told
    one_call      one caller, in a process of its own
    records       what a call was, as it is written down
    callers       the processes: started, listened to, ended in any case
    machine       CPU and memory while the load ran
    runner        a number of callers at once, and everything about them
    search        the most calls that are still answered in time
    measures      the arithmetic: percentiles, word errors, shares
    result        all that was measured; kept as JSON
    compare       a result against a saved one
    table, plot   for people
    screen        while it runs

Callers know nothing of Earshot that another agent on LiveKit would not show, but for its record of
a turn, which tells whether an answer was cut off.
"""
