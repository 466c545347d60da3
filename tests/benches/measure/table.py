"""Tables in Markdown."""
import statistics


def show(title, head, rows):
    """Prints a table. The first column is text, the others are numbers."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    rule = ["-" * width if at == 0 else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    print(f"\n## {title}\n")
    for row in [head, rule, *rows]:
        cells = [cell.ljust(width) if at == 0 else cell.rjust(width)
                 for at, (cell, width) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |")


def spread(values, decimals=1):
    """Returns two cells: the least, which is what it takes when nothing disturbs it, and the median."""
    return [f"{value:.{decimals}f}" for value in (min(values), statistics.median(values))]
