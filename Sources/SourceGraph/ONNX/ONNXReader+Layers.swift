import Files
import Tensors

// Dense layers, norms, sums and functions.

extension ONNXReader {
  /// α · A · B + β · C.
  mutating func gemm(_ node: ONNXModel.Node) throws(InputError) -> Value {
    guard node.number("alpha", usually: 1) == 1, node.number("beta", usually: 1) == 1,
      node.integer("transA", usually: 0) == 0
    else { throw refusal(node, "a product with factors or an exchanged first matrix") }
    let isOutputsFirst = node.integer("transB", usually: 0) != 0
    let bias = try tensor(node, 2, "a bias")
    guard bias?.isTransposed != true else { throw refusal(node, "a bias with exchanged axes") }
    return try dense(node, isOutputsFirst: isOutputsFirst, bias: bias?.info)
  }

  mutating func matrixProduct(_ node: ONNXModel.Node) throws(InputError) -> Value {
    try dense(node, isOutputsFirst: false, bias: nil)
  }

  private mutating func dense(
    _ node: ONNXModel.Node, isOutputsFirst: Bool, bias: TensorInfo?
  ) throws(InputError) -> Value {
    let input = try image(node)
    guard let matrix = try tensor(node, 1, "a matrix"), matrix.info.shape.rank == 2,
      input.layout == .features(pixelAxes: 0)
    else { throw refusal(node, "a product that is no dense layer of vectors") }
    let isFirst = isOutputsFirst != matrix.isTransposed
    let outputs = matrix.info.shape[isFirst ? 0 : 1]
    var tensors = [
      "kernel": SourceGraph.Tensor(
        name: matrix.info.name, order: isFirst ? .outputsFirst : .outputsLast)
    ]
    if let bias {
      // One of [N, 1] would be a value for each image, even where there are as many of both.
      guard bias.shape.elementCount == outputs, bias.shape.dimensions.last == outputs else {
        throw refusal(node, "a bias of \(bias.shape) that has not one value for each output")
      }
      tensors["bias"] = .init(name: bias.name, order: .outputsLast)
    }
    return try append(
      .dense(outputs: outputs, hasBias: bias != nil), node, tensors: tensors, channels: outputs)
  }

  mutating func batchNorm(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    guard input.layout != .nhwc else {
      throw refusal(node, "an image whose channels are not before its pixels")
    }
    // Before version 14 it was trained where it gave the statistics of the images too.
    guard node.integer("training_mode", usually: 0) == 0,
      model.opset < 7 || node.outputs.dropFirst().allSatisfy(\.isEmpty),
      // A norm of the time before evaluation was what is meant.
      model.opset >= 7 || node.integer("is_test", usually: 0) != 0
    else { throw refusal(node, "a norm as it is trained, by the statistics of the images") }
    guard node.integer("spatial", usually: 1) != 0 else {
      throw refusal(node, "a norm of each pixel")
    }
    let tensors = try variables(node, ["gamma", "beta", "moving_mean", "moving_variance"])
    return try append(.batchNorm(norm(node, tensors)), node, tensors: tensors)
  }

  /// The tensors that a norm reads after its first value, but for those that stand for none.
  private mutating func variables(
    _ node: ONNXModel.Node, _ names: [String]
  ) throws(InputError) -> [String: SourceGraph.Tensor] {
    var tensors: [String: SourceGraph.Tensor] = [:]
    for (index, variable) in names.enumerated() {
      guard let found = try tensor(node, index + 1, "a \(variable)") else {
        throw refusal(node, "a norm without its \(variable)")
      }
      if try standsForNone(found.info.name, as: variable, of: node) { continue }
      tensors[variable] = .init(name: found.info.name, order: .outputsLast)
    }
    return tensors
  }

  /// Whether a tensor is ones in place of a scale, or zeros in place of a shift, that this tool wrote for a norm which
  /// has none.
  private mutating func standsForNone(
    _ tensor: String, as variable: String, of node: ONNXModel.Node
  ) throws(InputError) -> Bool {
    let value: Double = variable == "gamma" ? 1 : 0
    guard tensor.hasPrefix(variable == "gamma" ? "rnw.ones." : "rnw.zeros.") else { return false }
    return try numbers(tensor, of: node).allSatisfy { $0 == value }
  }

  private func norm(
    _ node: ONNXModel.Node, _ tensors: [String: SourceGraph.Tensor]
  ) -> SourceOperation.Norm {
    SourceOperation.Norm(
      axis: -1, epsilon: node.number("epsilon", usually: 1e-5), hasScale: tensors["gamma"] != nil,
      hasShift: tensors["beta"] != nil)
  }

  mutating func groupNorm(_ node: ONNXModel.Node) throws(InputError) -> Value {
    let input = try image(node)
    let groups = node.integer("num_groups", usually: 0)
    // Until version 21 there was a scale for each group alone.
    guard input.layout == .nchw, model.opset >= 21, groups > 0 else {
      throw refusal(node, "a group norm that is not one of channels")
    }
    let tensors = try variables(node, ["gamma", "beta"])
    return try append(.groupNorm(norm(node, tensors), groups: groups), node, tensors: tensors)
  }

  // MARK: - Sums and products

  mutating func arithmetic(_ node: ONNXModel.Node) throws(InputError) -> Value {
    guard node.inputs.count == 2 else { throw refusal(node, "\(node.inputs.count) values") }
    let values = node.inputs.map { computed($0) }
    guard let first = values[0] ?? values[1] else { throw refusal(node, "no value of the image") }
    if let left = values[0], let right = values[1] {
      guard left.layout == right.layout else { throw refusal(node, "values of different axes") }
      if node.kind == "Mul", let value = gated(node, left, right) ?? gated(node, right, left) {
        return .computed(value)
      }
      let merges: [String: SourceOperation.Merge] = [
        "Add": .add, "Sum": .add, "Sub": .subtract, "Mul": .multiply,
      ]
      guard let merge = merges[node.kind] else { throw refusal(node, "a quotient of two values") }
      let index = append(
        .merge(merge), named: node.name, kind: node.kind, reading: [left.node, right.node])
      return .computed(
        .init(node: index, layout: left.layout, channels: left.channels ?? right.channels))
    }
    let isConstantFirst = values[0] == nil
    let place = isConstantFirst ? 0 : 1
    guard case .tensor(let name, isTransposed: false) = value(node.inputs[place]),
      let info = model.tensors[name]
    else { throw refusal(node, "a constant that is not a tensor") }
    // Both sides have one type.
    guard info.dtype.isFloat else {
      throw refusal(node, "whole numbers (\(info.dtype.name)), which wrap around")
    }
    // Even where it has one value: what is read has more axes then, and softmax is over another one.
    guard info.shape.rank <= first.layout.rank else {
      throw refusal(node, "a constant of \(info.shape), which has more axes than the value")
    }
    if node.kind == "Add", let value = try bias(node, info, of: first) { return value }
    let count = info.shape.elementCount
    let isOfChannels =
      info.shape.isOfChannels(in: first.layout) && first.channels ?? count == count
    guard count == 1 || isOfChannels else {
      throw refusal(node, "a constant of \(info.shape) that has not one value for each channel")
    }
    let numbers = try numbers(name, of: node)
    guard numbers.allSatisfy(\.isFinite), node.kind != "Div" || !numbers.contains(0) else {
      throw refusal(node, "a constant that is no number")
    }
    let operation: SourceOperation
    switch (node.kind, isConstantFirst) {
    case ("Add", _), ("Sum", _): operation = .affine(scale: [1], offset: numbers)
    case ("Mul", _): operation = .affine(scale: numbers, offset: [0])
    case ("Sub", false): operation = .affine(scale: [1], offset: numbers.map { -$0 })
    case ("Sub", true): operation = .affine(scale: [-1], offset: numbers)
    case ("Div", false): operation = .affine(scale: numbers.map { 1 / $0 }, offset: [0])
    default: throw refusal(node, "a quotient by a value of the image")
    }
    let index = append(operation, named: node.name, kind: node.kind, reading: [first.node])
    if node.kind == "Mul", isOfChannels, !isOfInput(first.node) { factors[index] = name }
    return .computed(.init(node: index, layout: first.layout, channels: first.channels))
  }

  /// x · sigmoid(x), which the standard has no operator for; `nil` for another product.
  private mutating func gated(
    _ node: ONNXModel.Node, _ value: Computed, _ factor: Computed
  ) -> Computed? {
    guard nodes[factor.node].operation == .activation(.sigmoid),
      nodes[factor.node].inputs == [value.node]
    else { return nil }
    let index = append(
      .activation(.silu), named: node.name, kind: node.kind, reading: [value.node])
    return .init(node: index, layout: value.layout, channels: value.channels)
  }

  /// Whether a value is the image itself, or the image changed value by value.
  private func isOfInput(_ node: Int) -> Bool {
    switch nodes[node].operation {
    case .input: true
    case .affine, .reverseChannels: nodes[node].inputs.allSatisfy { isOfInput($0) }
    default: false
    }
  }

  /// The bias of a convolution or dense layer just before that has none, or the shift of a scale; `nil` where the sum is
  /// another one.
  private mutating func bias(
    _ node: ONNXModel.Node, _ info: TensorInfo, of value: Computed
  ) throws(InputError) -> Value? {
    guard isReadOnce(value.node), info.shape.isOfChannels(in: value.layout), info.shape.rank > 0
    else { return nil }
    let layer = nodes[value.node]
    var tensors = layer.tensors
    tensors["bias"] = .init(name: info.name, order: .outputsLast)
    switch layer.operation {
    case .convolution(var conv)
    where !conv.hasBias && info.shape.elementCount == conv.outputs:
      conv.hasBias = true
      replace(value.node, .convolution(conv), tensors: tensors)
    case .dense(let outputs, hasBias: false) where info.shape.elementCount == outputs:
      replace(value.node, .dense(outputs: outputs, hasBias: true), tensors: tensors)
    case .affine:
      // A norm whose statistics were folded into its scale and shift.
      guard let factor = factors[value.node], let channels = value.channels,
        info.shape.elementCount == channels,
        model.tensors[factor]?.shape.elementCount == channels
      else { return nil }
      var variables: [String: SourceGraph.Tensor] = [:]
      for (variable, name) in [("gamma", factor), ("beta", info.name)]
      where try !standsForNone(name, as: variable, of: node) {
        variables[variable] = .init(name: name, order: .outputsLast)
      }
      replace(
        value.node,
        .batchNorm(
          .init(
            axis: -1, epsilon: 0, hasScale: variables["gamma"] != nil,
            hasShift: variables["beta"] != nil, hasStatistics: false)), tensors: variables)
    default: return nil
    }
    return .computed(value)
  }

  // MARK: - Functions

  /// The function that a node is; `nil` for an operator that is none.
  mutating func function(_ node: ONNXModel.Node) throws(InputError) -> ActivationFunction? {
    let input = try image(node)
    switch node.kind {
    case "Relu": return .relu
    case "Sigmoid": return .sigmoid
    case "Tanh": return .tanh
    case "Softplus": return .softplus
    case "HardSwish": return .hardSwish
    case "LeakyRelu": return .leakyRelu(slope: node.number("alpha", usually: 0.01))
    case "Elu": return .elu(alpha: node.number("alpha", usually: 1))
    case "Selu":
      let usual = (1.6732632423543772, 1.0507009873554805)
      let (alpha, gamma) = (
        node.number("alpha", usually: usual.0), node.number("gamma", usually: usual.1)
      )
      guard abs(alpha - usual.0) < 1e-6, abs(gamma - usual.1) < 1e-6 else {
        throw refusal(node, "another α or γ than SELU has")
      }
      return .selu
    case "Gelu": return node.text("approximate", usually: "none") == "tanh" ? .geluTanh : .gelu
    case "HardSigmoid":
      guard node.number("beta", usually: 0.5) == 0.5 else {
        throw refusal(node, "another β than ½")
      }
      let slope = node.number("alpha", usually: 0.2)
      // A sixth as float32 is meant as a sixth.
      return .hardSigmoid(slope: abs(slope - 1.0 / 6) < 1e-7 ? 1.0 / 6 : slope)
    case "Clip":
      let low = try numbers(node, 1)?.first ?? node.number("min", usually: -.infinity)
      let high = try numbers(node, 2)?.first ?? node.number("max", usually: .infinity)
      let isOpen = high >= Double(Float.greatestFiniteMagnitude)
      guard low == 0, high == 6 || isOpen else { throw refusal(node, "limits \(low) and \(high)") }
      return isOpen ? .relu : .relu6
    case "Softmax":
      let axis = node.integer("axis", usually: model.opset < 13 ? 1 : -1)
      let rank = input.layout.rank
      let isOfChannels = (axis < 0 ? axis + rank : axis) == input.layout.channelAxis
      // Before version 13 all axes from that one on were taken together.
      guard isOfChannels, !input.layout.isImage || model.opset >= 13 || input.layout == .nhwc else {
        throw refusal(node, "a softmax over the axis \(axis)")
      }
      return .softmax
    default: return nil
    }
  }

  mutating func identity(_ node: ONNXModel.Node) throws(InputError) -> Value {
    if node.kind == "Cast" {
      let type = node.integer("to", usually: 0)
      guard [1, 10, 11].contains(type) else { throw refusal(node, "a change to the type \(type)") }
      // A model in half precision that is given or gives float32; all is computed in float32 here.
      guard type != 10 || nodes.count < 4 || halfPrecision != nil else {
        throw refusal(node, "a change to float16 within the network")
      }
      if type == 10 { tellHalfPrecision() }
    }
    if node.kind == "Dropout", let mode = try numbers(node, 2)?.first, mode != 0 {
      throw refusal(node, "a dropout as it is trained")
    }
    return .computed(try image(node))
  }
}

extension Shape {
  /// Whether a tensor has one value for each channel, and one for all pixels and images.
  fileprivate func isOfChannels(in layout: ONNXReader.Layout) -> Bool {
    let fromEnd =
      switch layout {
      case .nchw: 2
      case .nhwc: 0
      case .features(let axes): axes
      }
    guard rank <= layout.rank, rank > fromEnd else { return false }
    return dimensions.indices.allSatisfy { dimensions[$0] == 1 || $0 == rank - 1 - fromEnd }
  }
}
