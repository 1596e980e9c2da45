"""False alarms and delays of the watch by simulation: the tables of docs/evidence/monitoring.md.

python -m benchmarks.monitoring [--runs 1000]
"""

import argparse

from deeppcos.research.monitoring.signals import SIGNALS
from deeppcos.research.monitoring.trials import CHANGES, alarms_without_change, delay

RATE = 0.05
REFERENCE = 200


def main() -> None:
    """Run both simulations and write Markdown tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--women", type=int, default=1000)
    runs, women = parser.parse_args().runs, parser.parse_args().women
    signals = len(SIGNALS)
    print("| signals | window | women after it | clinics | watch: any alarm | usual test |")
    print("|---|---|---|---|---|---|")
    for reference in (30, REFERENCE):
        said = alarms_without_change(
            runs=runs, women=women, reference=reference, signals=signals, false_alarm_rate=RATE
        )
        print(
            f"| {signals} | {reference} | {women} | {runs} | {said['watch'].words(3)} "
            f"| {said['usual'].words(3)} |",
            flush=True,
        )
    print("\n| change | found within 400 women | half found after | nine tenths after |")
    print("|---|---|---|---|")
    for quiet in (0, 500):
        for change in CHANGES:
            found = delay(
                change,
                runs=runs,
                reference=REFERENCE,
                quiet=quiet,
                changed=400,
                signals=signals,
                false_alarm_rate=RATE,
            )
            print(
                f"| {change.name}, after {quiet} quiet women | {found.found.words()} "
                f"| {found.median or 'over 400'} | {found.ninth or 'over 400'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
