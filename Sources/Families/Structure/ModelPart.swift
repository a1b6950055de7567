import Files
import SourceGraph
import Tensors

/// The part of a bigger model that is taken: the layers under a name, or the ResNet that begins at the input.
package enum ModelPart: Hashable, Sendable {
  /// The residual network that begins at the input, as far as it goes.
  case backbone
  /// The layers of the model within the model that has a name, such as `left/`, or whose names begin so.
  case prefix(String)

  /// The graph of the part, and what it is a part of.
  ///
  /// - Throws: `InputError` where the model has no such part.
  func graph(in whole: SourceGraph) throws(InputError) -> (graph: SourceGraph, description: String)
  {
    let part: SourceGraph?
    switch self {
    case .backbone: part = Self.backbone(of: whole)
    case .prefix(let prefix): part = Self.layers(under: prefix, of: whole)
    }
    guard let part else {
      let models = Set(
        whole.nodes.compactMap { $0.place.names.count > 1 ? $0.place.names[0] : nil })
      let place =
        models.isEmpty
        ? "it has no model within it"
        : "models within it: \(models.sorted().prefix(5).joined(separator: ", "))"
      throw InputError(
        .badData, path: whole.path,
        self == .backbone
          ? "has no ResNet that begins at an input"
          : "has no part of that name with one input and one output",
        place: place)
    }
    let kept = Set(part.nodes.map(\.place))
    let left = whole.nodes.filter { !kept.contains($0.place) && !$0.operation.isIdentity }
    let names = left.prefix(5).map(\.name).joined(separator: ", ") + (left.count > 5 ? ", …" : "")
    return (part, "left out: \(left.count) layers\(left.isEmpty ? "" : " (\(names))")")
  }

  /// The longest part that begins at an input and is a residual network, from the last addition on back.
  private static func backbone(of whole: SourceGraph) -> SourceGraph? {
    for addition in whole.nodes.indices.reversed()
    where whole.nodes[addition].operation == .merge(.add) {
      // The norm and ReLU after the last addition belong to it, where there are any.
      for end in ends(after: addition, in: whole) {
        guard let part = whole.ancestors(of: end), let view = try? SourceView(part),
          (try? Trunk(view, from: part.inputs[0])) != nil || (try? Trunk(afterInputOf: view)) != nil
        else { continue }
        return part
      }
    }
    return nil
  }

  /// The nodes at which a network may end whose last addition is known, the furthest first.
  private static func ends(after addition: Int, in whole: SourceGraph) -> [Int] {
    var ends = [addition]
    var current = addition
    while ends.count < 3 {
      let readers = whole.nodes.indices.filter { index in
        whole.nodes[index].inputs.contains(current)
          && (whole.nodes[index].operation == .activation(.relu)
            || { if case .batchNorm = whole.nodes[index].operation { true } else { false } }())
      }
      guard readers.count == 1 else { break }
      current = readers[0]
      ends.insert(current, at: 0)
    }
    return ends
  }

  /// The layers whose place begins with a name.
  private static func layers(under prefix: String, of whole: SourceGraph) -> SourceGraph? {
    let inside = whole.nodes.indices.filter {
      whole.nodes[$0].place.names.joined(separator: "/").hasPrefix(prefix)
        && !whole.inputs.contains($0)
    }
    let members = Set(inside)
    let entries = Set(inside.flatMap { whole.nodes[$0].inputs }.filter { !members.contains($0) })
    var exits = Set(whole.outputs.filter { members.contains($0) })
    for (index, node) in whole.nodes.enumerated() where !members.contains(index) {
      exits.formUnion(node.inputs.filter { members.contains($0) })
    }
    guard entries.count == 1, exits.count == 1, let entry = entries.first, let exit = exits.first
    else { return nil }
    return whole.part(from: entry, to: exit)
  }
}

extension Trunk {
  /// Takes apart what follows the layers that only change the input.
  fileprivate init(afterInputOf view: SourceView) throws(StructureFault) {
    let adjustment = InputAdjustment(view) { _ in ([0], [1]) }
    try self.init(view, from: adjustment.end)
  }
}

extension SourceGraph {
  /// What a node is computed from, as a graph of its own; `nil` where that is not one input.
  fileprivate func ancestors(of end: Int) -> SourceGraph? {
    let live = liveNodes(of: [end])
    let inputs = inputs.filter(live.contains)
    return inputs.count == 1 ? part(from: inputs[0], to: end) : nil
  }
}
