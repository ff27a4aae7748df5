"""List scheduling of task graphs on heterogeneous machines: HEFT, CPOP and PEFT."""
