"""Every sentence of the why report in English and in Chinese; what stands in braces is filled in."""

from __future__ import annotations

WHY_WORDS = {
    "why_report": ("Why normalize?", "为什么要归一化？"),
    "why_title": (
        "What scaling and batch normalization change on “{source}”",
        "缩放与批量归一化给“{source}”带来什么变化",
    ),
    "why_page_title": ("{source} – why normalize?", "{source} – 为什么要归一化？"),
    "why_task": ("{task}: predicting “{target}”", "{task}：预测“{target}”"),
    "why_classification": ("classification", "分类"),
    "why_regression": ("regression", "回归"),
    "why_fact_rows": ("Rows used", "使用的行"),
    "why_fact_inputs": ("Network inputs", "网络输入"),
    "why_fact_network": ("Hidden layers", "隐藏层"),
    "why_fact_model": ("Model", "模型"),
    "why_fact_weights": ("Weights that it learns", "可学习的权重"),
    "why_fact_seeds": ("Seeds", "随机种子数"),
    "why_fact_epochs": ("Epochs", "轮数"),
    "why_network_value": ("{units}, {activation}", "{units}，{activation}"),
    "why_no_hidden_layer": ("none", "无"),
    "why_epochs_value": ("{epochs}, {batch} rows a step", "{epochs}，每步 {batch} 行"),
    "why_unmeasured": ("Not measured in this run.", "本次运行未测量。"),
    "why_paper": ("The paper", "论文"),
    "why_variant_raw": ("raw inputs", "原始输入"),
    "why_variant_scaled": ("scaled inputs", "缩放输入"),
    "why_variant_raw_bn": ("raw inputs + batch norm.", "原始输入＋批量归一化"),
    "why_variant_scaled_bn": ("scaled inputs + batch norm.", "缩放输入＋批量归一化"),
    "why_raw_inputs": ("Raw inputs", "原始输入"),
    "why_scaled_inputs": ("Scaled inputs", "缩放输入"),
    "why_features": ("Your features", "你的特征"),
    "why_features_1": (
        "Each column of a table has its own unit, so its numbers may be a thousand times larger than its "
        "neighbour's.",
        "表格的每一列都有自己的单位，因此一列的数值可能是另一列的上千倍。",
    ),
    "why_features_2": (
        "A network that starts with equal weights hears the largest column loudest; scaling gives all "
        "columns the "
        "same volume.",
        "网络开始时各列的权重一般大，数值最大的列“声音”最响；缩放让所有列的音量相同。",
    ),
    "why_features_spread": (
        "Here the standard deviations range from {low} ({low_name}) to {high} ({high_name}): {ratio} to 1.",
        "这里的标准差从 {low}（{low_name}）到 {high}（{high_name}），相差 {ratio} 倍。",
    ),
    "why_spread_caption": (
        "Standard deviation of each numeric column over the training rows, on a logarithmic axis.",
        "训练集上每个数值列的标准差，横轴为对数刻度。",
    ),
    "why_spread_alt": (
        "A row for each column: a circle at its standard deviation before scaling, a square after scaling. "
        "The "
        "table below holds the numbers.",
        "每列一行：圆点为缩放前的标准差，方块为缩放后的标准差。数值见下方表格。",
    ),
    "why_std_axis": ("standard deviation", "标准差"),
    "why_share_of_variance": ("Share of variance", "占方差的比例"),
    "why_share_of_first_gradient": ("Share of gradient", "占梯度的比例"),
    "why_shares_caption": (
        "How much of what the first layer hears, and of its first gradient, comes from each column.",
        "第一层“听到”的内容和它的第一个梯度中，每一列所占的比例。",
    ),
    "why_shares_alt": (
        "A row for each column: its share with raw inputs as a circle, with scaled inputs as a square. The "
        "table "
        "below holds the numbers.",
        "每列一行：圆点为原始输入下的比例，方块为缩放输入下的比例。数值见下方表格。",
    ),
    "why_capped": (
        "{shown} of {count} columns are drawn; the table of the features lists all.",
        "图中为 {count} 列中的 {shown} 列；特征一节的表格列出全部。",
    ),
    "why_bowl": ("The bowl", "山谷与圆碗"),
    "why_bowl_1": (
        "Think of the loss as a landscape over the weights: training walks downhill, to the lowest point.",
        "把损失想象成随权重起伏的地形：训练就是往下走，直到最低点。",
    ),
    "why_bowl_2": (
        "Where columns differ in size the landscape is a narrow valley, and the walk bounces between its "
        "walls; "
        "where they are alike it is a round bowl, and the walk goes straight down.",
        "各列大小悬殊时，地形是狭长的山谷，下山时在两壁之间来回反弹；各列大小相近时，地形是圆碗，"
        "可以径直走到底。",
    ),
    "why_bowl_title": ("κ = {kappa}, steps: {steps}", "κ = {kappa}，步数：{steps}"),
    "why_start": ("start", "起点"),
    "why_optimum": ("best", "最优"),
    "why_weight_of": ("weight of {column}", "{column} 的权重"),
    "why_bowl_caption": (
        "Curves of equal loss over two weights, drawn to scale, and gradient descent from weights of 0 at "
        "its best "
        "rate. Steps are counted until 1% of the excess loss is left; at most 300 are drawn. κ is how many "
        "times "
        "steeper the steepest direction is than the flattest.",
        "两个权重上的等损失线（按比例绘制），以及权重从 0 出发、以最佳学习率进行的梯度下降。"
        "步数计到多余的损失只剩 1% 为止；"
        "最多画出 300 步。κ 表示最陡方向的陡峭程度是最平方向的多少倍。",
    ),
    "why_bowl_alt": (
        "Ellipses of equal loss around the best weights, with raw and with scaled inputs, and the path of "
        "gradient "
        "descent. Each panel's heading gives κ and the steps.",
        "最优权重周围的等损失椭圆（原始输入与缩放输入），以及梯度下降的路径。每幅的标题给出 κ 与步数。",
    ),
    "why_descents_heading": ("All columns at once", "所有列一起看"),
    "why_condition_number_linear_hessian": ("Linear model: κ", "线性模型：κ"),
    "why_linear_descent_steps": ("Linear model: steps", "线性模型：步数"),
    "why_condition_number_logistic_hessian": ("Logistic model: κ", "逻辑回归模型：κ"),
    "why_logistic_descent_steps": ("Logistic model: steps", "逻辑回归模型：步数"),
    "why_descents_note": (
        "Of all numeric columns with an intercept. Steps until 1% of the excess loss is left: the median of "
        "twenty random starts, in brackets the least and the most.",
        "使用全部数值列和截距。步数计到多余的损失只剩 1% 为止：二十个随机起点的中位数，括号内为最少与最多。",
    ),
    "why_logistic_note": (
        "The logistic model tells the most frequent class from the others, and is taken near its optimum; a "
        "dash: it has none, for a plane separates the classes.",
        "逻辑回归模型区分最常见的一类与其余各类，取其最优点附近；短横表示没有最优点，因为一个平面就能把两边分开。",
    ),
    "why_play": ("Try it: stretch one feature", "动手试试：拉伸一个特征"),
    "why_play_1": (
        "The bowl below starts from your scaled columns. Stretch {column} and see the valley narrow; drag "
        "the start "
        "point, or move it with the arrow keys.",
        "下面的碗是缩放后的样子。拉伸 {column}，看它如何变成窄谷；起点可以拖动，也可以用方向键移动。",
    ),
    "why_stretch": ("Stretch {column} by", "将 {column} 拉伸"),
    "why_as_raw": ("As far apart as in the raw data", "像原始数据那样悬殊"),
    "why_as_scaled": ("As scaled", "恢复到缩放后"),
    "why_play_start": (
        "Start of the descent: arrow keys move it, Home puts it back",
        "下降的起点：方向键移动，Home 键复位",
    ),
    "why_play_steps": ("Steps needed", "所需步数"),
    "why_play_kappa": ("Condition number κ", "条件数 κ"),
    "why_play_picture": (
        "Curves of equal loss and the path of gradient descent; the numbers beside it tell what changes.",
        "等损失线与梯度下降路径；旁边的数字说明变化。",
    ),
    "why_play_drawn": ("of them, drawn", "画出的步数"),
    "why_layers": ("Inside the hidden layers", "隐藏层内部"),
    "why_layers_1": (
        "A hidden unit bends what it receives; far from zero the curve is flat, and a unit that sits there "
        "has "
        "almost stopped learning.",
        "隐藏单元会把收到的数值“弯曲”；离零很远的地方曲线是平的，停在那里的单元几乎不再学习。",
    ),
    "why_layers_2": (
        "Scaling decides where the first layer starts, and batch normalization holds every layer near the "
        "bend while "
        "it trains.",
        "缩放决定第一层从哪里开始，批量归一化则在训练中让每一层保持在弯曲处附近。",
    ),
    "why_percentiles_caption": (
        "Percentiles 15, 50 and 85 of what goes into the last hidden layer's activation, by step; each is "
        "the median "
        "over the layer's units. The panels' vertical axes differ.",
        "最后一个隐藏层激活函数输入的第 15、50、85 百分位数随步数的变化；各为该层所有单元的中位数。"
        "各幅纵轴不同。",
    ),
    "why_percentiles_alt": (
        "One panel a variant: three lines by training step, the area between the outer two shaded.",
        "每个变体一幅：随训练步数变化的三条线，外侧两条之间填色。",
    ),
    "why_units_heading": ("The first hidden layer, unit by unit", "第一个隐藏层，逐个单元"),
    "why_units_caption": (
        "Each mark is a unit's median, each line reaches from its 15th to its 85th percentile, at the step "
        "chosen "
        "above. Up to 64 units are drawn; the panels' vertical axes differ.",
        "每个点是一个单元的中位数，线段从第 15 到第 85 百分位数，取上方所选的步。最多画出 64 个单元；"
        "各幅纵轴不同。",
    ),
    "why_units_alt": (
        "One panel a variant: a mark with a vertical line for each unit of the first hidden layer.",
        "每个变体一幅：第一个隐藏层的每个单元为一个带竖线的点。",
    ),
    "why_step": ("training step", "训练步"),
    "why_unit": ("unit", "单元"),
    "why_layer": ("hidden layer", "隐藏层"),
    "why_any_layer": ("layer, the output last", "层（最后为输出层）"),
    "why_saturation_heading": ("Saturated outputs", "饱和的输出"),
    "why_saturation_caption": (
        "Share of the outputs that lie in the flat part of "
        "the activation, layer by layer, with the weights of "
        "the best epoch.",
        "各层中落在激活函数平坦部分的输出所占的比例，在最佳轮次的权重处。",
    ),
    "why_saturation_alt": (
        "A line for each variant: the share of saturated outputs by hidden layer.",
        "每个变体一条线：各隐藏层饱和输出的比例。",
    ),
    "why_blindness_heading": ("Blinded by one column", "被一列“蒙蔽”"),
    "why_units_saturated_by_column": ("Units saturated", "饱和的单元"),
    "why_blindness_caption": (
        "Share of the first layer's units, before training, that one standard deviation of the column alone "
        "drives into the flat part of the activation: whatever the other columns say, such a unit no longer "
        "hears it.",
        "训练之前，第一层中仅凭这一列的一个标准差就会饱和的单元所占的比例：无论其他列说什么，这样的单元都“听”不到了。",
    ),
    "why_blindness_alt": (
        "A row for each column: the share of units with raw inputs as a circle, with scaled inputs as a "
        "square.",
        "每列一行：圆点为原始输入下的单元比例，方块为缩放输入下的比例。",
    ),
    "why_depth_heading": ("From layer to layer", "逐层变化"),
    "why_activation_std": ("Spread of activations", "激活的标准差"),
    "why_gradient_rms": ("Size of gradients", "梯度的大小"),
    "why_depth_caption": (
        "Before training: the standard deviation of each layer's activations, and the root mean square of "
        "the loss's gradient by its weights. Lines that stay level pass signals on; lines that fall lose "
        "them.",
        "训练之前：每层激活的标准差，以及损失对该层权重的梯度的均方根。保持平稳的线能传递信号，下降的线则在丢失信号。",
    ),
    "why_depth_alt": (
        "Two panels: a line for each variant by hidden layer.",
        "两幅：每个变体一条线，横轴为隐藏层。",
    ),
    "why_landscape_heading": ("The ground around the trained network", "训练后网络周围的地形"),
    "why_landscape_caption": (
        "The loss over the two directions in which it bends most upwards and most downwards, around the "
        "weights of the best epoch, and gradient descent within this plane from twenty random starts, "
        "eight of which are drawn. Each axis reaches to where the loss has doubled, at most as far as the "
        "weights are long. Steps are the median; ∞: half of "
        "the starts or more do not arrive at the lowest place.",
        "以最佳轮次的权重为中心，沿曲率最大和最小的两个方向看到的损失，"
        "以及在这个平面内从二十个随机起点出发的梯度下降（画出其中八个）。"
        "每条轴延伸到损失翻倍处，最远不超过权重向量的长度。"
        "步数为中位数；∞ 表示有一半或更多的起点没有走到最低点。",
    ),
    "why_landscape_alt": (
        "One panel a variant: curves of equal loss around the network, and the paths of the descents. Each "
        "panel's heading gives the steps.",
        "每个变体一幅：网络周围的等损失线和下降的路径。每幅的标题给出步数。",
    ),
    "why_landscape_title": (
        "steps: {steps}; {reached} of {all} starts arrive",
        "步数：{steps}；{all} 个起点中有 {reached} 个到达",
    ),
    "why_landscape_first": ("bends most upwards, λ = {curvature}", "曲率最大的方向，λ = {curvature}"),
    "why_landscape_second": ("bends most downwards, λ = {curvature}", "曲率最小的方向，λ = {curvature}"),
    "why_landscape_loss": ("loss", "损失"),
    "why_landscape_network": ("the network", "网络"),
    "why_network_heading": ("The networks in numbers", "网络的各项数值"),
    "why_hessian_eigenvalue_largest": ("Largest Hessian eigenvalue", "Hessian 最大特征值"),
    "why_hessian_eigenvalue_smallest": ("Smallest Hessian eigenvalue", "Hessian 最小特征值"),
    "why_surface_descent_steps": ("Steps of descent around it (above)", "在其周围下降的步数（见上图）"),
    "why_covariate_shift_cosine": (
        "Covariate shift before training: cosine of the gradients",
        "训练前的协变量偏移：前后两个梯度的余弦",
    ),
    "why_scale_invariance_output": (
        "Change of BN(10·Wx) from BN(Wx)",
        "BN(10·Wx) 与 BN(Wx) 之差",
    ),
    "why_dead_units": ("Dead units (share)", "失活单元的比例"),
    "why_mean_derivative": ("Mean slope of the activation", "激活函数的平均斜率"),
    "why_inference_gap": ("Gap between training and inference", "训练与推断之间的差距"),
    "why_network_note": (
        "Of the first seed's networks, with the weights of "
        "the best epoch if nothing else is said. Of several "
        "layers it is the worst: the smallest slope and cosine, the largest of all else. A cosine of 1: a "
        "step of the layers before does not turn a layer's gradient. A dash: not measured there.",
        "取第一个种子的网络；未注明时为最佳轮次的权重。有多层时取最差的一层：斜率和余弦取最小值，其余取最大值。"
        "余弦为 1 表示前面各层走一步并不改变该层梯度的方向。短横表示没有测量。",
    ),
    "why_training": ("With and without", "用与不用"),
    "why_training_1": (
        "The same network is trained four times: raw or scaled inputs, without or with batch normalization.",
        "同一个网络训练四次：输入用原始值或缩放后的值，不加或加批量归一化。",
    ),
    "why_training_2": (
        "Each may use its own best learning rate and has the same number of steps, so the comparison is "
        "fair.",
        "每一种都用自己最好的学习率，步数相同，因此比较是公平的。",
    ),
    "why_show": ("Show", "显示"),
    "why_curves_caption": (
        "Loss on the validation rows: the median over {seeds} seeds, and shaded the range from the lowest "
        "seed to "
        "the highest.",
        "验证集上的损失：{seeds} 个随机种子的中位数，填色为最低到最高种子的范围。",
    ),
    "why_curves_alt": (
        "A line for each variant: its validation loss by epoch. The table below holds the last values.",
        "每个变体一条线：各轮的验证损失。最终值见下方表格。",
    ),
    "why_validation_loss": ("validation loss", "验证损失"),
    "why_target": ("target", "目标"),
    "why_steps_heading": ("Steps to the same loss", "达到同一损失所需的步数"),
    "why_steps_axis": ("steps", "步数"),
    "why_steps_caption": (
        "Training steps until the validation loss is at most {target}: a mark for each seed, the bar at "
        "their "
        "median. A seed that never came there is not drawn; the table counts them.",
        "验证损失降到 {target} 及以下所需的训练步数：每个种子一个点，竖线为中位数。未达到的种子不画出；"
        "表格里有它们的数目。",
    ),
    "why_steps_alt": (
        "A row for each variant: steps to the target, a mark for each seed.",
        "每个变体一行：达到目标的步数，每个种子一个点。",
    ),
    "why_variant": ("Variant", "变体"),
    "why_best_rate": ("Best rate", "最佳学习率"),
    "why_steps_median": ("Steps to target", "达标步数"),
    "why_reached": ("Reached it", "达标种子"),
    "why_final_loss": ("Held-out loss", "留出集损失"),
    "why_final_metric": ("Held-out {metric}", "留出集{metric}"),
    "why_decades": ("Usable decades", "可用数量级"),
    "why_time": ("Time", "用时"),
    "why_of": ("{part} of {all}", "{part}/{all}"),
    "why_range": ("{middle} ({low} … {high})", "{middle}（{low} … {high}）"),
    "why_table_note": (
        "Medians over the seeds, in brackets the lowest and the highest. Time is of all seeds at the best "
        "rate.",
        "各随机种子的中位数，括号内为最低与最高值。用时为最佳学习率下所有种子的总和。",
    ),
    "why_rates": ("Learning rates", "学习率"),
    "why_rates_1": (
        "The learning rate is the length of each step downhill: too short and training crawls, too long "
        "and it "
        "flies off.",
        "学习率决定每一步往下走多远：太小，训练就慢；太大，就飞出去了。",
    ),
    "why_rates_2": (
        "The wider the range of rates that work, the less there is to tune.",
        "可用的学习率范围越宽，就越不用费心去调。",
    ),
    "why_learning_rate": ("learning rate", "学习率"),
    "why_lowest_loss": ("lowest validation loss", "最低验证损失"),
    "why_usable_limit": ("usable below", "此线以下可用"),
    "why_rates_caption": (
        "Lowest validation loss by learning rate: the median over the seeds and their range. A rate is "
        "usable if its median is at most {limit}: nine tenths of the way from the best constant prediction "
        "to the best of all. Where most seeds diverged there is a gap.",
        "各学习率的最低验证损失：各随机种子的中位数与范围。中位数不超过 {limit} 的学习率算作可用："
        "那是从最好的常数预测到全体最佳值的十分之九处。多数种子发散处留空。",
    ),
    "why_rates_alt": (
        "A line for each variant: the lowest validation loss by learning rate.",
        "每个变体一条线：各学习率的最低验证损失。",
    ),
    "why_rates_decades": ("Usable: {list}.", "可用范围：{list}。"),
    "why_decades_of": ("{variant} {decades} powers of ten", "{variant} {decades} 个数量级"),
    "why_smoothness": ("Smoothness", "平滑度"),
    "why_smoothness_1": (
        "A step is planned from the slope where it starts; on rough ground the slope soon says something "
        "else.",
        "每一步都按出发处的坡度来规划；在崎岖的地面上，坡度很快就变了。",
    ),
    "why_smoothness_2": (
        "Where loss and slope change little along a step, longer steps are safe: Santurkar et al. found that "
        "this, and not less shifting of the layers' inputs, is how batch normalization helped their deep "
        "networks. Below is how it was here.",
        "如果沿着一步，损失和坡度变化很小，步子就可以迈得更大。Santurkar 等人发现，"
        "批量归一化正是这样帮助了他们的深层网络，而不是靠减少各层输入的漂移。下面是这里测到的情形。",
    ),
    "why_loss_range": ("Loss along the gradient", "沿梯度的损失"),
    "why_gradient_predictiveness": ("Change of the gradient", "梯度的变化"),
    "why_effective_beta": ("Effective β", "有效 β"),
    "why_eta_beta": ("η·β", "η·β"),
    "why_smoothness_caption": (
        "As in Figure 4 of Santurkar et al.: shaded, the range over steps of ½ to 4 times the learning rate "
        "along the gradient; narrower is smoother. Each variant has its own best learning rate η; β also "
        "changes when weights are rescaled, η·β much less.",
        "画法同 Santurkar 等人论文的图 4：填色为沿梯度走 ½ 到 4 倍学习率时的范围，越窄越平滑。"
        "每个变体用自己最好的学习率 η；β 会随权重的尺度改变，η·β 则小得多。",
    ),
    "why_smoothness_alt": (
        "One panel a measure: a line for each variant by training step, in two of them with a shaded range.",
        "每项度量一幅：每个变体一条线，有的带填色范围，横轴为训练步。",
    ),
    "why_verdict": ("Verdict", "结论"),
    "why_verdict_1": (
        "Each sentence is computed from the numbers above, with their spread over the seeds.",
        "每句话都由上面的数字及其在随机种子之间的差异算出。",
    ),
    "why_verdict_2": (
        "They hold for this table and this network; where the seeds differ more than the variants, they "
        "say so.",
        "结论只对这张表和这个网络成立；种子之间的差异大于变体之间的差异时，会如实说明。",
    ),
    "why_effect_helps": ("helps:", "有益："),
    "why_effect_no_difference": ("no difference:", "无差别："),
    "why_effect_hurts": ("hurts:", "有害："),
    "why_effect_not_measured": ("not measured:", "未测量："),
    "why_effect_advice": ("advice:", "建议："),
    "why_to_verdict": ("To the verdict", "查看结论"),
    "why_diagnosis": ("Diagnosis of the network", "网络的诊断"),
    "why_diagnosis_1": (
        "The rules of “normwise doctor”, on the network with scaled inputs and batch normalization, first "
        "seed.",
        "对“输入缩放并批量归一化”的网络（第一个随机种子）运行“normwise doctor”的各项规则。",
    ),
    "why_diagnosis_2": (
        "A rule that finds nothing is no proof of health; the table says which checks were made.",
        "没有发现问题并不证明一切正常；表格列出做了哪些检查。",
    ),
    "why_measured": ("How it was measured", "怎样测量的"),
    "why_measured_1": (
        "Every number comes from this run on your rows; the command below makes the page again.",
        "每个数字都来自这次在你的数据上的运行；用下面的命令可以重新生成本页。",
    ),
    "why_measured_2": (
        "The network learned from the training rows, rates and target were chosen on the validation rows, "
        "and final "
        "numbers are from held-out rows it never saw.",
        "网络在训练集上学习，学习率和目标在验证集上选定，最终数字来自网络从未见过的留出集。",
    ),
    "why_definitions": ("What each number is", "每个数字的定义"),
    "why_definition_name": ("Measurement", "度量"),
    "why_definition": ("Definition", "定义"),
    "why_source": ("Source", "出处"),
    "why_sample": ("Measured on", "样本数"),
    "why_own": ("our own", "本项目"),
    "why_english": (
        "Definitions and warnings stand as they were recorded, in English.",
        "定义与提示按记录原样显示，为英文。",
    ),
    "why_values": ("{count} values", "{count} 个数值"),
    "why_command": ("The command", "命令"),
}
