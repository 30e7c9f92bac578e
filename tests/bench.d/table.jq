# What summary.jq made → the table that people read.

def pad($width): . + (" " * ([$width - length, 0] | max));
def lpad($width): (" " * ([$width - length, 0] | max)) + .;

# Three digits that count.
def number: if . >= 100 then . + 0.5 | floor
	elif . >= 10 then (. * 10 + 0.5 | floor) / 10
	else (. * 100 + 0.5 | floor) / 100 end | tostring;

def quantity($unit):
	if . == null then "-"
	elif $unit == "B" then "\(. / 1e6 | number) MB"
	elif . < 1 then "\(. * 1000 | number) ms"
	else "\(number) s" end;

def cells: [
	.text,
	(.unit as $unit | .ours, .podman, .bare | quantity($unit)),
	(.ratio | if . == null then "-" else number end),
	.ratio_of,
	.target // "-",
	if .met == null then "" elif .met then "met" else "NOT MET" end
];

def row: (.[0] | pad(33)) + (.[1:5] | map(lpad(10)) | join("")) + "  " + (.[5] | pad(13))
	+ (.[6] | pad(41)) + .[7];

.machine as $host
| (["measure", "ours", "podman", "bare", "ratio", "of", "target (design.md)", ""] | row),
  (.measures[] | cells | row),
  "",
  "\($host.cores) cores (\($host.cpu)), Linux \($host.kernel), \($host.podman), load \($host.load[0]) before, "
	+ "\($host.load[1]) after\(if $host.quick then "; quick: rough numbers" else "" end)",
  if ($host.load | max) > $host.cores / 2
	then "Other work was using this machine: its absolute times say little, its ratios more." else empty end,
  "Times and sizes are medians; a ratio is the median of the rounds' own ratios. podman: exec, start and run -d;",
  "bare: bash on the host. An idle session has a terminal; its PSS is what it adds outside and inside the sandbox."
