package import Families
import Files
package import Inference
package import ResNetV2
package import Tensors

/// What an engine of the user's own computed: arrays under any names, in any layout and type that can be told from what is
/// there.
///
/// Names are the family's, the canonical ones, or the user's own, which a list translates or closeness to the right values
/// finds. Which layout an array has follows from its shape; where it has both, from the other arrays.
package struct EngineArchive: LayerTruth {
  package private(set) var assignment = LayerNames.Assignment()

  /// What was found out of the archive that its reader should know, each in a sentence.
  package private(set) var remarks: [String] = []

  /// What the rounding of a layer's input can become in its output.
  private static let growth = 8.0

  /// What archives of activations are kept in.
  private static let containers: Set = ["npz", "safetensors"]

  /// By how much the input may be off because its type rounded it, in units of the largest value.
  private let inputRounding: Double

  private let source: any WeightSource
  private let arrays: [String: StoredArray]
  private var layouts: [String: ArrayLayout] = [:]
  private let graph: Graph
  private let shapes: [Shape]
  private let layerNames: LayerNames
  private let preferred: ArrayLayout

  /// Finds the layers of a graph among the arrays of a file, by name.
  ///
  /// - Parameters:
  ///   - names: which layer each of the engine's arrays is, by canonical or family name; the arrays' own names where empty.
  ///   - input: the shape of the images that went in, [N, H, W, C].
  /// - Throws: `InputError` where an array is not of numbers, or `names` does not fit the file and the network.
  package init(
    _ source: any WeightSource, graph: Graph, layerNames: LayerNames,
    names: EngineNames = EngineNames(), input: Shape
  ) throws {
    self.source = source
    self.graph = graph
    self.layerNames = layerNames
    shapes = try graph.shapes(for: input)
    guard Self.containers.contains(source.container) else {
      throw InputError(
        .badData, path: source.path, "is no archive of activations",
        place: "it is \(source.container)",
        hint: "an archive is a .npz or .safetensors with an array for each layer, and 'input'")
    }
    let found = try names.assignment(
      of: graph, layerNames, to: source.layerArrays.map(\.name), path: source.path)
    let layers = Set(found.values)
    var arrays: [String: StoredArray] = [:]
    for info in source.layerArrays {
      do throws(InputError) {
        arrays[info.name] = try StoredArray(info, in: source)
      } catch {
        // What is no layer's, such as labels, may be of any type.
        if layers.contains(info.name) { throw error }
      }
    }
    self.arrays = arrays
    inputRounding = try source.inputRounding()
    var pairs: [(array: Shape, value: Shape)] = []
    for (node, name) in found {
      guard let index = graph.index(of: node), let array = arrays[name] else { continue }
      pairs.append((array.info.shape, shapes[index]))
    }
    preferred = Self.preferred(pairs, family: layerNames.layout)
    for (node, array) in found { assign(array, to: node) }
    finishAssignment()
  }

  /// The file.
  package var path: String { source.path }

  /// The arrays that belong to no layer yet.
  package var unmatched: [String] { assignment.unknown }

  package func values(for input: Activation) -> Values {
    { node, shape in try value(of: node, shape: shape) }
  }

  package func allowance(for node: String, isolated: Bool) -> Double {
    guard let name = assignment.arrays[node], let array = arrays[name] else { return 0 }
    let rounding = (try? array.rounding(channelAxis: channelAxis(of: name))) ?? 0
    return Self.allowance(rounding: rounding, input: inputRounding, isolated: isolated)
  }

  /// By how much a value may be off because types rounded it, and what it was computed from.
  ///
  /// A layer alone starts from rounded inputs, as all do where the input itself was rounded; a norm can make more of that.
  static func allowance(rounding: Double, input: Double, isolated: Bool) -> Double {
    isolated ? growth * rounding : rounding + growth * input
  }

  private func value(of node: String, shape: Shape) throws -> Activation? {
    guard let name = assignment.arrays[node] else { return nil }
    guard let layout = layouts[name] else {
      return try arrays[name].map {
        Activation(shape: $0.info.shape, values: try $0.floats(channelAxis: channelAxis(of: name)))
      }
    }
    return try value(named: name, as: layout, shape: shape)
  }

  /// The value of an array in a layout.
  func value(named name: String, as layout: ArrayLayout, shape: Shape) throws -> Activation? {
    guard let array = arrays[name] else { return nil }
    let axis = layout.channelAxis(rank: array.info.shape.rank)
    return layout.activation(try array.floats(channelAxis: axis), for: shape)
  }

  /// The layouts in which an array may be the value of a node, the likelier first.
  func layouts(of name: String, as node: Int) -> [ArrayLayout] {
    guard let array = arrays[name] else { return [] }
    let all = ArrayLayout.all(of: array.info.shape, for: shapes[node])
    return all.contains(preferred) ? [preferred] + all.filter { $0 != preferred } : all
  }

  /// The layers that no array was taken for.
  func freeNodes(_ taken: Set<Int>) -> [Int] {
    graph.nodes.indices.dropFirst().filter {
      !taken.contains($0) && assignment.arrays[graph.nodes[$0].name] == nil
    }
  }

  private func channelAxis(of name: String) -> Int {
    (layouts[name] ?? .channelsLast).channelAxis(rank: arrays[name]?.info.shape.rank ?? 0)
  }
}

// MARK: - Which array is which layer

extension EngineArchive {
  /// Takes an array for the value of a node; one of another shape has no layout, and is a finding.
  private mutating func assign(_ name: String, to node: String) {
    guard let index = graph.index(of: node), arrays[name] != nil else { return }
    assignment.arrays[node] = name
    layouts[name] = layouts(of: name, as: index).first
  }

  /// Lists what has no partner.
  private mutating func finishAssignment() {
    let used = Set(assignment.arrays.values)
    assignment.unknown = source.layerArrays.map(\.name).filter { !used.contains($0) }
    assignment.missing = graph.nodes.dropFirst().map(\.name)
      .filter { assignment.arrays[$0] == nil }.map { layerNames.name(of: $0) ?? $0 }
    remarks = layoutRemark.map { [$0] } ?? []
  }

  /// Takes unmatched arrays for the layers whose right values they are nearest to.
  ///
  /// - Parameter matches: pairs of an array and a node's index, with the layout.
  mutating func take(_ matches: [(array: String, node: Int, layout: ArrayLayout)]) {
    for match in matches {
      assignment.arrays[graph.nodes[match.node].name] = match.array
      layouts[match.array] = match.layout
    }
    finishAssignment()
    guard !matches.isEmpty else { return }
    let pairs = matches.map { match in
      let name = graph.nodes[match.node].name
      return "\(match.array) is \(layerNames.name(of: name) ?? name)"
    }
    remarks.append(
      "layers were told by shape and closeness: "
        + pairs.prefix(3).joined(separator: ", ") + (pairs.count > 3 ? ", …" : "")
        + "; --layer-names says it for sure")
  }

  private var layoutRemark: String? {
    let hasImages = assignment.arrays.contains { node, _ in
      graph.index(of: node).map { shapes[$0].rank == 4 } ?? false
    }
    return ArrayLayout.remark(of: layouts.values, hasImages: hasImages)
  }

  /// The layout of most arrays that have only one; the family's where none has.
  static func preferred(
    _ pairs: [(array: Shape, value: Shape)], family: LayerNames.Layout
  ) -> ArrayLayout {
    let certain = pairs.filter { $0.value.rank == 4 }
      .map { ArrayLayout.all(of: $0.array, for: $0.value) }
      .filter { $0.count == 1 }.compactMap(\.first)
    let (first, last) = (
      certain.count { $0 == .channelsFirst }, certain.count { $0 == .channelsLast }
    )
    if first != last { return first > last ? .channelsFirst : .channelsLast }
    return family == .nchw ? .channelsFirst : .channelsLast
  }
}

extension WeightSource {
  /// The arrays that may be values of layers: neither the input nor a scale of another array.
  var layerArrays: [TensorInfo] {
    let names = Set(tensors.map(\.name))
    return tensors.filter { tensor in
      guard tensor.name != "input" else { return false }
      return !(StoredArray.scaleNames + StoredArray.zeroPointNames).contains {
        tensor.name.hasSuffix($0) && names.contains(String(tensor.name.dropLast($0.count)))
      }
    }
  }

  /// By how much the input may be off because its type rounded it, in units of the largest value.
  func inputRounding() throws(InputError) -> Double {
    guard let info = tensors.first(where: { $0.name == "input" }) else { return 0 }
    return try StoredArray(info, in: self).rounding(channelAxis: 0)
  }

  /// The images that an engine's values were computed from, [N, H, W, C]; `nil` where the file has none.
  ///
  /// - Parameter channels: how many channels the network reads.
  /// - Throws: `InputError` where the array is no batch of such images, or has values that are not finite.
  package func engineInput(channels: Int) throws -> Activation? {
    guard let info = tensors.first(where: { $0.name == "input" }) else { return nil }
    var sizes = info.shape.dimensions
    if sizes.count == 3 { sizes.insert(1, at: 0) }
    guard sizes.count == 4, sizes[3] == channels || sizes[1] == channels else {
      throw InputError(
        .badData, path: path, "array 'input' is \(info.shape)",
        place: "expected N×H×W×\(channels) or N×\(channels)×H×W")
    }
    let isLast = sizes[3] == channels
    let shape = isLast ? Shape(sizes) : Shape([sizes[0], sizes[2], sizes[3], sizes[1]])
    let layout = isLast ? ArrayLayout.channelsLast : .channelsFirst
    let array = try StoredArray(info, in: self)
    let axis = layout.channelAxis(rank: info.shape.rank)
    let input = layout.activation(try array.floats(channelAxis: axis), for: shape)
    try input.requireFinite(path: path)
    return input
  }
}
