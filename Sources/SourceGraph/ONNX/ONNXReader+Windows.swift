import Files
import Tensors

// Convolutions, pools and borders: what moves a window over an image.

extension ONNXReader {
  /// How a window moves.
  private struct Window {
    var height: Int
    var width: Int
    var stride: Int
    /// How many pixels apart its taps are.
    var dilation: Int
    /// Whether the image is padded as little as gives ⌈size / stride⌉ windows.
    var isSame: Bool
    /// The border that is added otherwise.
    var border: SourceOperation.Border
  }

  mutating func convolution(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    guard let kernel = try tensor(node, 1, "a kernel"), kernel.info.shape.rank == 4,
      !kernel.isTransposed
    else { throw refusal(node, "a kernel that is no tensor of four axes") }
    let sizes = kernel.info.shape.dimensions
    let groups = node.integer("group", usually: 1)
    guard groups == 1 else {
      throw refusal(node, "\(groups) groups; grouped convolutions are not computed")
    }
    let window = try window(node, kernel: [sizes[2], sizes[3]])
    var tensors = ["kernel": SourceGraph.Tensor(name: kernel.info.name, order: .outputsFirst)]
    if let bias = try tensor(node, 2, "a bias") {
      tensors["bias"] = .init(name: bias.info.name, order: .outputsLast)
    }
    let hasBias = tensors["bias"] != nil
    guard input.layout == .nchw else {
      // After a pool over the whole image a convolution of one pixel is a dense layer.
      guard case .features = input.layout, sizes[2] == 1, sizes[3] == 1, window.stride == 1,
        window.border == .init(top: 0, bottom: 0, left: 0, right: 0)
      else { throw refusal(node, "an image whose channels are not before its pixels") }
      return try append(
        .dense(outputs: sizes[0], hasBias: hasBias), node, tensors: tensors, channels: sizes[0])
    }
    let source = padded(input.node, window.border, node)
    let index = append(
      .convolution(
        .init(
          outputs: sizes[0], height: sizes[2], width: sizes[3], stride: window.stride,
          isSame: window.isSame, hasBias: hasBias, dilation: window.dilation)),
      named: node.name, kind: node.kind, reading: [source], tensors: tensors)
    return .computed(.init(node: index, layout: .nchw, channels: sizes[0]))
  }

  mutating func pool(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    guard input.layout == .nchw else {
      throw refusal(node, "an image whose channels are not before its pixels")
    }
    let window = try window(node, kernel: node.integers("kernel_shape") ?? [])
    guard window.height == window.width else { throw refusal(node, "a window that is not square") }
    guard window.dilation == 1 else { throw refusal(node, "a pool with gaps (dilations)") }
    var border = window.border
    let hasBorder = border != .init(top: 0, bottom: 0, left: 0, right: 0)
    var isSame = window.isSame
    if node.integer("ceil_mode", usually: 0) != 0 {
      // SAME has the same windows only where one pixel at most is added: it would divide two between both sides.
      guard window.stride == 1 || (window.height == 2 && window.stride == 2 && !hasBorder) else {
        throw refusal(node, "a size that is rounded up (ceil_mode)")
      }
      isSame = window.stride > 1
    }
    let size = SourceOperation.Window(size: window.height, stride: window.stride, isSame: isSame)
    let isMax = node.kind == "MaxPool"
    guard isMax || !hasBorder else {
      throw refusal(node, "a border around the image of an average")
    }
    // Nor do pixels count that the rounding adds.
    guard isMax || !window.isSame || node.integer("count_include_pad", usually: 0) == 0 else {
      throw refusal(node, "an average that counts what is outside the image (count_include_pad)")
    }
    border.isNegativeInfinity = true
    let source = hasBorder ? padded(input.node, border, node) : input.node
    let index = append(
      isMax ? .maxPool(size) : .averagePool(size), named: node.name, kind: node.kind,
      reading: [source])
    return .computed(.init(node: index, layout: .nchw, channels: input.channels))
  }

  /// A border around an image, where there is one: a node of its own.
  private mutating func padded(
    _ input: Int, _ border: SourceOperation.Border, _ node: ONNXModel.Node
  ) -> Int {
    guard [border.top, border.bottom, border.left, border.right].contains(where: { $0 != 0 }) else {
      return input
    }
    return append(
      .padding(border), named: node.name + "/pad", kind: node.kind, reading: [input])
  }

  private func window(
    _ node: ONNXModel.Node, kernel: [Int]
  ) throws(InputError) -> Window {
    let stated = node.integers("kernel_shape") ?? kernel
    let strides = node.integers("strides") ?? [1, 1]
    let pads = node.integers("pads") ?? [0, 0, 0, 0]
    guard kernel.count == 2, stated == kernel, kernel.allSatisfy({ (1...4096).contains($0) }),
      strides.count == 2, strides.allSatisfy({ (1...4096).contains($0) })
    else { throw refusal(node, "a window that is not one over two axes") }
    let dilations = node.integers("dilations") ?? [1, 1]
    guard dilations.count == 2, dilations[0] == dilations[1], (1...4096).contains(dilations[0])
    else {
      throw refusal(node, "dilations \(dilations.prefix(8))")
    }
    guard strides[0] == strides[1] else {
      throw refusal(node, "strides of \(strides[0]) and \(strides[1])")
    }
    guard pads.count == 4, pads.allSatisfy({ (0...4096).contains($0) }) else {
      throw refusal(node, "a border of pads \(pads.prefix(8))")
    }
    let rule = node.text("auto_pad", usually: "NOTSET")
    guard ["NOTSET", "VALID", "SAME_UPPER"].contains(rule) else {
      throw refusal(node, "a border by the rule \(rule)")
    }
    let hasPads = rule == "NOTSET"
    return Window(
      height: kernel[0], width: kernel[1], stride: strides[0], dilation: dilations[0],
      isSame: rule == "SAME_UPPER",
      border: .init(
        top: hasPads ? pads[0] : 0, bottom: hasPads ? pads[2] : 0, left: hasPads ? pads[1] : 0,
        right: hasPads ? pads[3] : 0))
  }

  mutating func padding(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    guard node.text("mode", usually: "constant") == "constant" else {
      throw refusal(node, "a border that is not of one value")
    }
    guard node.inputs.count < 4 || node.inputs[3].isEmpty else {
      throw refusal(node, "a border of some axes")
    }
    var value = node.number("value", usually: 0)
    if let given = try numbers(node, 2) {
      guard given.count == 1 else { throw refusal(node, "a border of several values") }
      value = given[0]
    }
    let pads = try integers(node, "pads", or: 1) ?? []
    guard input.layout.isImage, pads.count == 8, pads.allSatisfy({ (0...4096).contains($0) }) else {
      throw refusal(node, "a border of pads \(pads.prefix(8))")
    }
    let first = input.layout == .nhwc ? 1 : 2
    let isOfPixels = pads.indices.allSatisfy { axis in
      pads[axis] == 0 || [first, first + 1].contains(axis % 4)
    }
    let isOfChannels = pads.indices.allSatisfy { axis in
      pads[axis] == 0 || axis % 4 == input.layout.channelAxis
    }
    if isOfChannels, !isOfPixels, value == 0 {
      let (before, after) = (pads[input.layout.channelAxis], pads[input.layout.channelAxis + 4])
      return try append(
        .padChannels(before: before, after: after), node,
        channels: input.channels.map { $0 + before + after })
    }
    let isLowest = value <= -Double(Float.greatestFiniteMagnitude)
    guard isOfPixels, value == 0 || isLowest else {
      throw refusal(node, isOfPixels ? "a border of \(value)" : "a border of channels")
    }
    return try append(
      .padding(
        .init(
          top: pads[first], bottom: pads[first + 4], left: pads[first + 1],
          right: pads[first + 5], isNegativeInfinity: isLowest)), node)
  }

  mutating func globalPool(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    guard input.layout == .nchw else {
      throw refusal(node, "an image whose channels are not before its pixels")
    }
    return try append(
      node.kind == "GlobalMaxPool"
        ? .globalMaximum(keepsImage: false) : .globalAverage(keepsImage: false), node,
      layout: .features(pixelAxes: 2))
  }

  /// The mean or the largest value over the image, as a reduction.
  mutating func reduction(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    guard input.layout.isImage, let axes = try integers(node, "axes", or: 1) else {
      throw refusal(node, "axes that are not those of the image")
    }
    let pixels: Set = input.layout == .nhwc ? [1, 2] : [2, 3]
    guard Set(axes.map { $0 < 0 ? $0 + 4 : $0 }) == pixels else {
      throw refusal(node, "axes that are not those of the image")
    }
    let keepsAxes = node.integer("keepdims", usually: 1) != 0
    guard !keepsAxes || input.layout == .nchw else {
      throw refusal(node, "an image of one pixel whose channels are not before its pixels")
    }
    return try append(
      node.kind == "ReduceMax"
        ? .globalMaximum(keepsImage: false) : .globalAverage(keepsImage: false), node,
      layout: .features(pixelAxes: keepsAxes ? 2 : 0))
  }
}
