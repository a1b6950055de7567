import Files
import Tensors

// What changes axes alone, and what is computed of sizes for it.

extension ONNXReader {
  mutating func reshape(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    switch node.kind {
    case "Flatten":
      let axis = node.integer("axis", usually: 1)
      guard axis == 1 || axis == 1 - input.layout.rank else {
        throw refusal(node, "the axis \(axis); all values of an image in a row were expected")
      }
      return try flattened(node)
    case "Reshape":
      guard node.inputs.count > 1 else { throw refusal(node, "no new shape") }
      if case .sizes(let sizes) = value(node.inputs[1]) { return try reshaped(node, to: sizes) }
      let numbers = try numbers(node, 1) ?? []
      return try reshaped(node, to: numbers.map { Int(exactly: $0).map { .number($0) } ?? .open })
    case "Squeeze":
      guard let axes = try integers(node, "axes", or: 1) else {
        throw refusal(node, "all axes of one value")
      }
      let ends = Set(axes.map { $0 < 0 ? $0 + input.layout.rank : $0 })
      guard ends == Set(2..<max(input.layout.rank, 2)) || input.layout == .nhwc && ends == [1, 2]
      else { throw refusal(node, "other axes than those of the image") }
      return try flattened(node)
    default:
      let axes = try integers(node, "axes", or: 1) ?? []
      guard case .features(pixelAxes: 0) = input.layout, Set(axes) == [2, 3] else {
        throw refusal(node, "new axes that are not those of an image")
      }
      return .computed(
        .init(
          node: input.node, layout: .features(pixelAxes: 2), channels: input.channels))
    }
  }

  private mutating func flattened(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    guard input.layout.isImage else {
      return .computed(
        .init(node: input.node, layout: .features(pixelAxes: 0), channels: input.channels))
    }
    return try append(
      .flatten(channelsFirst: input.layout == .nchw), node, layout: .features(pixelAxes: 0),
      channels: .some(valuesPerImage(input)))
  }

  /// A shape of two axes, that of the batch and all values of an image in a row; after these there may be two of one
  /// pixel.
  private mutating func reshaped(
    _ node: ONNXModel.Node, to sizes: [Extent]
  ) throws(InputError) -> Value {
    let input = try image(node)
    let isOnePixel =
      sizes.count == 4 && !input.layout.isImage && sizes[2...].allSatisfy { $0 == .number(1) }
    let keepsZeros = node.integer("allowzero", usually: 0) != 0 && sizes.contains(.number(0))
    guard sizes.count == 2 || isOnePixel, !keepsZeros,
      keepsImages(sizes[0], sizes[1], of: input)
    else {
      let count = valuesPerImage(input).map { "\($0) values" } ?? "all values"
      let shape = sizes.prefix(8).map(\.description).joined(separator: ", ")
      throw refusal(node, "the shape [\(shape)], which is not one row of \(count) for each image")
    }
    guard isOnePixel else { return try flattened(node) }
    return .computed(
      .init(node: input.node, layout: .features(pixelAxes: 2), channels: input.channels))
  }

  /// Whether the first of two sizes is that of the batch and the second the number of an image's values.
  ///
  /// With any other number beside a size that is left open, the values of one image would become several rows, or those of
  /// several images one.
  private func keepsImages(_ first: Extent, _ second: Extent, of input: Computed) -> Bool {
    let isBatch: Bool
    switch first {
    case .batch, .number(0): isBatch = true
    case .number(-1): isBatch = false
    case .number(let size) where size == fixedBatch: isBatch = true
    case .number, .open: return false
    }
    let count = valuesPerImage(input)
    switch second {
    case .number(-1), .open: return isBatch
    case .number(0):
      // The size of the second axis.
      if !input.layout.isImage { return true }
      return input.layout == .nchw && count != nil && count == input.channels
    case .number(let size): return count.map { $0 == size } ?? (isBatch && size > 0)
    case .batch: return false
    }
  }

  mutating func transpose(_ node: ONNXModel.Node) throws(InputError) -> Value {
    var input = try image(node)
    switch (input.layout, node.integers("perm")) {
    case (.nhwc, [0, 3, 1, 2]): input.layout = .nchw
    case (.nchw, [0, 2, 3, 1]): input.layout = .nhwc
    default: throw refusal(node, "an order of axes that no image has")
    }
    return .computed(input)
  }

  mutating func concatenation(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let parts = node.inputs.compactMap { computed($0) }
    guard let first = parts.first, parts.count == node.inputs.count,
      parts.allSatisfy({ $0.layout == first.layout })
    else { throw refusal(node, "values of different axes") }
    let axis = node.integer("axis", usually: 1)
    guard (axis < 0 ? axis + first.layout.rank : axis) == first.layout.channelAxis else {
      throw refusal(node, "another axis than that of the channels")
    }
    let index = append(
      .concatenate(axis: -1), named: node.name, kind: node.kind, reading: parts.map(\.node))
    let channels = parts.reduce(Optional(0)) { sum, part in
      sum.flatMap { sum in part.channels.map { sum.addingReportingOverflow($0).partialValue } }
    }
    return .computed(.init(node: index, layout: first.layout, channels: channels))
  }

  /// The channels in reverse order; nothing else is taken out of an image.
  mutating func reversal(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    let axis: Int
    if node.kind == "Gather" {
      axis = node.integer("axis", usually: 0)
      let order = try numbers(node, 1) ?? []
      // Places in several axes would add an axis.
      guard try tensor(node, 1, "an order")?.info.shape.rank == 1, order.count > 1,
        order == order.indices.reversed().map(Double.init),
        input.channels == order.count
      else { throw refusal(node, "a part of the values") }
    } else {
      let starts = try integers(node, "starts", or: 1)
      let axes = try integers(node, "axes", or: 3)
      let ends = try integers(node, "ends", or: 2)
      let steps = try integers(node, "steps", or: 4)
      let isFromLast = starts == [-1] || starts.map { $0.count == 1 && $0[0] >= 4096 } == true
      guard isFromLast || starts == input.channels.map({ [$0 - 1] }), steps == [-1],
        ends.map({ $0.count == 1 && $0[0] < -4096 }) == true, axes?.count == 1
      else { throw refusal(node, "a part of the values") }
      axis = axes?[0] ?? 0
    }
    let rank = input.layout.rank
    guard input.layout.isImage, (axis < 0 ? axis + rank : axis) == input.layout.channelAxis else {
      throw refusal(node, "another order of something else than the channels")
    }
    return try append(.reverseChannels, node)
  }

  // MARK: - Sizes and constants

  /// The sizes of a value.
  mutating func shape(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    let channels = input.channels.map { Extent.number($0) } ?? .open
    var sizes: [Extent] =
      switch input.layout {
      case .nchw: [.batch, channels, .open, .open]
      case .nhwc: [.batch, .open, .open, channels]
      case .features(let axes): [.batch, channels] + Array(repeating: .number(1), count: axes)
      }
    func place(_ setting: String, _ standard: Int) -> Int {
      let given = node.integer(setting, usually: standard)
      return min(max(given < 0 ? given + sizes.count : given, 0), sizes.count)
    }
    let (start, end) = (place("start", 0), place("end", sizes.count))
    sizes = start < end ? Array(sizes[start..<end]) : []
    return .sizes(sizes)
  }

  /// What is made of sizes, as far as it is the shape of a flattened image.
  mutating func sizes(_ node: ONNXModel.Node) throws(InputError) -> Value {
    func list(_ index: Int) -> [Extent]? {
      guard index < node.inputs.count, case .sizes(let sizes) = value(node.inputs[index]) else {
        return nil
      }
      return sizes
    }
    switch node.kind {
    case "Identity", "Cast", "Unsqueeze", "Squeeze":
      if let sizes = list(0) { return .sizes(sizes) }
    case "Gather":
      if let sizes = list(0), let indices = try numbers(node, 1) {
        let places = indices.map { Int(exactly: $0 < 0 ? $0 + Double(sizes.count) : $0) ?? -1 }
        guard places.allSatisfy(sizes.indices.contains) else { break }
        return .sizes(places.map { sizes[$0] })
      }
    case "Slice":
      if let sizes = list(0), let start = try integers(node, "starts", or: 1)?.first,
        let end = try integers(node, "ends", or: 2)?.first,
        try integers(node, "steps", or: 4)?.first ?? 1 == 1
      {
        func place(_ index: Int) -> Int {
          min(max(index < 0 ? max(index, -sizes.count) + sizes.count : index, 0), sizes.count)
        }
        return .sizes(place(start) < place(end) ? Array(sizes[place(start)..<place(end)]) : [])
      }
    case "Concat":
      var sizes: [Extent] = []
      for index in node.inputs.indices {
        if let part = list(index) {
          sizes += part
        } else {
          sizes += (try numbers(node, index) ?? []).map {
            Int(exactly: $0).map { .number($0) } ?? .open
          }
        }
        guard sizes.count <= Shape.maximumRank else { throw refusal(node, "too many sizes") }
      }
      return .sizes(sizes)
    default: break
    }
    throw refusal(node, "sizes that are put together otherwise than for a flattened image")
  }

  /// What is made of tensors of the file alone.
  mutating func constant(_ node: ONNXModel.Node) throws(InputError) -> Value {
    guard Self.computing.contains(node.kind) || ["Identity", "Dropout"].contains(node.kind) else {
      throw refusal(node, "an operator that is not known here, of no value of the image")
    }
    guard let first = node.inputs.first, case .tensor(let name, let isTransposed) = value(first),
      let info = model.tensors[name]
    else { throw refusal(node, "an operator of no value of the image") }
    switch node.kind {
    case "Identity", "Dropout": return .tensor(name, isTransposed: isTransposed)
    case "Transpose" where info.shape.rank == 2:
      guard node.integers("perm") ?? [1, 0] == [1, 0] else { break }
      return .tensor(name, isTransposed: !isTransposed)
    case "Cast":
      let types = [1: DType.float32, 6: .int32, 7: .int64, 10: .float16, 11: .float64]
      if types[node.integer("to", usually: 0)] == info.dtype {
        return .tensor(name, isTransposed: isTransposed)
      }
    default: break
    }
    throw refusal(
      node, "a computation on tensors of the file, which an exporter usually does itself")
  }

  /// The operators that exporters compute themselves where all that they read stands in the file.
  private static let computing: Set<String> = [
    "Add", "Sub", "Mul", "Div", "Neg", "Sqrt", "Reciprocal", "Pow", "Exp", "Log", "Abs", "MatMul",
    "Cast", "Concat", "Expand", "Flatten", "Gather", "Reshape", "Shape", "Slice", "Split",
    "Squeeze", "Transpose", "Unsqueeze", "ReduceMean", "ReduceSum", "ReduceL2",
  ]
}
