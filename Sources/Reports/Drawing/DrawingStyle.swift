import ResNetV2

/// What a drawing looks like.
///
/// Colours are written out for both pages rather than as variables, so that programs that know less
/// of CSS than a browser show the light form.
enum DrawingStyle {
  static let sheet = """
    text { font: 13px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1b1f24; }
    .label, .size { text-anchor: middle; }
    .strong { font-weight: 600; }
    .plus { font-size: 18px; }
    .title { font-size: 22px; font-weight: 700; }
    .note, .size { fill: #57606a; }
    .size { font-size: 12px; }
    .paper { fill: #ffffff; }
    .card { fill: #f6f8fa; stroke: #d0d7de; }
    .zoom { fill: #eaeef2; }
    .node, .stage, .add { stroke-width: 1.25; }
    .conv { fill: #dbeafe; stroke: #2f75b5; }
    .norm { fill: #fdecc8; stroke: #b7791f; }
    .relu { fill: #d7f2dd; stroke: #2e8540; }
    .pool { fill: #ebe4fa; stroke: #7a5cc0; }
    .stage { fill: #ffffff; stroke: #8c959f; }
    .detailed { fill: #f6f8fa; stroke: #1b1f24; stroke-width: 2; }
    .add { fill: #ffffff; stroke: #1b1f24; stroke-width: 1.5; }
    .dot { fill: #c2410c; }
    .edge { fill: none; stroke: #57606a; stroke-width: 1.5; }
    .skip { fill: none; stroke: #c2410c; stroke-width: 2; }
    .edge.head { fill: #57606a; stroke: none; }
    .skip.head { fill: #c2410c; stroke: none; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .note, .size { fill: #9198a1; }
      .paper { fill: #0d1117; }
      .card { fill: #151b23; stroke: #30363d; }
      .zoom { fill: #1f262e; }
      .conv { fill: #17324d; stroke: #5ba3e6; }
      .norm { fill: #3d2f10; stroke: #d9a033; }
      .relu { fill: #14351f; stroke: #3fb950; }
      .pool { fill: #2b2145; stroke: #a98bea; }
      .stage { fill: #0d1117; stroke: #6e7681; }
      .detailed { fill: #151b23; stroke: #e6edf3; }
      .add { fill: #0d1117; stroke: #e6edf3; }
      .dot { fill: #fb923c; }
      .edge { stroke: #9198a1; }
      .skip { stroke: #fb923c; }
      .edge.head { fill: #9198a1; }
      .skip.head { fill: #fb923c; }
    }
    """
}
