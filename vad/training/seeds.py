"""Seeds of what training draws: the first number says what for, so that no two draws share random numbers."""

from enum import IntEnum


class Draw(IntEnum):
    """What is drawn."""

    TRAIN = 0  # mixtures to train on
    DEV = 1  # mixtures to measure on
    NORM = 2  # mixtures whose mean and deviation normalise the features
    SHORT = 3  # windows that end early
    CARRY = 4  # crops that go on from the state of another
    SEQUENCES = 5  # sequences that a batch is cut into
    POOL = 6  # crops of the pool that a step is made of
