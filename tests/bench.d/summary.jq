# measured.json (slurped) and $machine → what --json writes.
#
# A ratio is the median over the rounds of each round's own ratio: rounds are what the machine's other work
# shifts, and it shifts all ways of one alike.

def median: sort | if length == 0 then null
	elif length % 2 == 1 then .[(length - 1) / 2]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;

def values_of($way): map(select(.way == $way).value);

# over: which way's value stands above the line.
def ratio($over; $under):
	group_by(.round)
	| map((values_of($over) | first) as $a | (values_of($under) | first) as $b
		| select($a != null and $b != null and $b > 0) | $a / $b)
	| median;

# at_most, at_least: the ratio's bound; value_at_most: the bound of our own value.
def measures: [
	{ measure: "warm", text: "sandbox-shell -c true, warm", unit: "s", over: "podman", under: "ours",
	  target: "≤ 3 ms, ≥ 30× faster than podman exec", value_at_most: 0.003, at_least: 30 },
	{ measure: "many", text: "64 logins, 32 at a time", unit: "s", over: "podman", under: "ours",
	  target: "≥ 40× faster than podman exec", at_least: 40 },
	{ measure: "stdout", text: "2 GB through stdout", unit: "s", over: "bare", under: "ours",
	  target: "≥ 0.95 of the bare pipe", at_least: 0.95 },
	{ measure: "stdin", text: "2 GB through stdin", unit: "s", over: "bare", under: "ours",
	  target: "≥ 0.95 of the bare pipe", at_least: 0.95 },
	{ measure: "idle_outside", text: "an idle session, PSS outside", unit: "B", over: "podman", under: "ours",
	  target: "≤ 0.5 MB", value_at_most: 500000 },
	{ measure: "idle_inside", text: "an idle session, PSS inside", unit: "B", over: "podman", under: "ours" },
	{ measure: "cold", text: "start of a stopped sandbox", unit: "s", over: "ours", under: "podman",
	  target: "≤ 1.5× of podman start", at_most: 1.5 },
	{ measure: "first", text: "first login", unit: "s", over: "ours", under: "podman",
	  target: "≤ 1.5× of podman run -d", at_most: 1.5 },
	{ measure: "first_on_image", text: "first login, first on its image", unit: "s", over: "ours",
	  under: "podman" }
];

def within: (.value_at_most == null or .ours <= .value_at_most)
	and (.at_least == null or .ratio >= .at_least)
	and (.at_most == null or .ratio <= .at_most);

. as $all
| { machine: $machine[0],
    measures: (measures | map(. as $m | ($all | map(select(.measure == $m.measure))) as $own
	| . + { ours: ($own | values_of("ours") | median), podman: ($own | values_of("podman") | median),
		bare: ($own | values_of("bare") | median),
		ratio: ($own | ratio($m.over; $m.under)), ratio_of: "\($m.over)/\($m.under)" }
	| . + { met: (if .target then within else null end), rounds: ($own | map(del(.measure))) }
	| del(.over, .under))) }
