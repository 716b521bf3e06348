"""Every sentence of the report in English and in Chinese; what stands in braces is filled in."""

from __future__ import annotations

import dataclasses
import html

from normwise.report.why.phrases import WHY_WORDS


@dataclasses.dataclass(frozen=True)
class Phrase:
    """A text in both languages; in HTML both stand there, and the page shows one.

    Example:
        >>> print(Phrase("a < b", "甲 < 乙").__html__())
        <span class="en" lang="en">a &lt; b</span><span class="zh" lang="zh-Hans">甲 &lt; 乙</span>
    """

    en: str
    zh: str

    def __html__(self) -> str:
        en, zh = html.escape(self.en), html.escape(self.zh)
        return f'<span class="en" lang="en">{en}</span><span class="zh" lang="zh-Hans">{zh}</span>'


def say(phrase: str, **values: str | Phrase) -> Phrase:
    """A phrase with its values filled in.

    Example:
        >>> say("kept_epoch", epoch="3").en
        'epoch 3 kept'
    """
    en = {k: v.en if isinstance(v, Phrase) else v for k, v in values.items()}
    zh = {k: v.zh if isinstance(v, Phrase) else v for k, v in values.items()}
    return Phrase(PHRASES[phrase].en.format(**en), PHRASES[phrase].zh.format(**zh))


_WORDS = {
    "report": ("Training report", "训练报告"),
    "page_title": ("{target} – training report", "{target} – 训练报告"),
    "language": ("Language", "语言"),
    "contents": ("Contents", "目录"),
    "to_result": ("To the result", "跳到结果"),
    "no_script": (
        "The figures need JavaScript, which is switched off here; the tables say the same.",
        "图形需要 JavaScript，但此处已停用；各表格给出同样的内容。",
    ),
    "headline_title": ("Predicting “{target}” from {columns} columns", "用 {columns} 列预测“{target}”"),
    "headline_title_one": ("Predicting “{target}” from 1 column", "用 1 列预测“{target}”"),
    "fact_columns": ("Columns read", "使用的列"),
    "fact_columns_value": ("{read} of {all}", "{all} 列中的 {read} 列"),
    "fact_rows": ("Rows used", "使用的行"),
    "fact_rows_dropped": (
        "{rows} ({dropped} more have no target)",
        "{rows}（另有 {dropped} 行缺少目标值）",
    ),
    "fact_training": ("Training rows", "训练集"),
    "fact_validation": ("Validation rows", "验证集"),
    "fact_held_out": ("Held-out rows", "留出集"),
    "fact_time": ("Time", "用时"),
    "task_classification": ("classification, {classes} classes", "分类，{classes} 个类别"),
    "task_regression": ("regression", "回归"),
    "roles": (
        "The network learned from the training rows; the validation rows chose the epoch that was kept; "
        "every score below is measured on the held-out rows, which it never saw.",
        "网络在训练集上学习，由验证集选出保留的轮次；下面所有成绩都在网络从未见过的留出集上测得。",
    ),
    "warnings_link": ("{count} things to know about this data", "关于这份数据有 {count} 点需要留意"),
    "warnings_link_one": ("1 thing to know about this data", "关于这份数据有 1 点需要留意"),
    "result": ("Result", "结果"),
    "headline_accuracy": (
        "On {rows} held-out rows the network is right in {value} of cases{rest}",
        "在 {rows} 行留出集上，网络的准确率为 {value}{rest}",
    ),
    "headline_r2": (
        "On {rows} held-out rows the network reaches an R² of {value}{rest}",
        "在 {rows} 行留出集上，网络的 R² 为 {value}{rest}",
    ),
    "headline_other": (
        "On {rows} held-out rows the network reaches a {metric} of {value}{rest}",
        "在 {rows} 行留出集上，网络的{metric}为 {value}{rest}",
    ),
    "headline_unknown": (
        "On {rows} held-out rows no {metric} could be computed for the network.",
        "在 {rows} 行留出集上，无法为网络计算{metric}。",
    ),
    "rest_alone": (". It was compared with nothing.", "。未与其他模型比较。"),
    "rest_win": (
        "; the best of the others, {model}, reaches {value}.",
        "；其他模型中最好的是{model}：{value}。",
    ),
    "rest_lose": ("; it loses to {model}, which reaches {value}.", "；不如{model}：后者达到 {value}。"),
    "rest_tie": (
        "; {model}, the best of the others, reaches {value}: too close to tell apart.",
        "；其他模型中最好的是{model}：{value}，差距太小，难分高下。",
    ),
    "rest_same": (
        "; {model}, the best of the others, reaches the same.",
        "；其他模型中最好的是{model}，成绩相同。",
    ),
    "verdict_unknown": ("{model}: not comparable, a value is missing.", "{model}：缺少数值，无法比较。"),
    "verdict_same": ("{model}: exactly the same, {other}.", "{model}：完全相同，{other}。"),
    "verdict_win": (
        "{model}: {other}. The network wins with {own}.",
        "{model}：{other}。网络胜出，为 {own}。",
    ),
    "verdict_lose": (
        "{model}: {other}. The network loses with {own}.",
        "{model}：{other}。网络落败，为 {own}。",
    ),
    "verdict_accuracy_win": (
        "{model}: {other}. The network wins by {gap} percentage points, {times} times the standard error"
        "{basis} on {rows} rows.",
        "{model}：{other}。网络高出 {gap} 个百分点，是 {rows} 行上{basis}标准误的 {times} 倍。",
    ),
    "verdict_accuracy_lose": (
        "{model}: {other}. The network loses by {gap} percentage points, {times} times the standard error"
        "{basis} on {rows} rows.",
        "{model}：{other}。网络低 {gap} 个百分点，是 {rows} 行上{basis}标准误的 {times} 倍。",
    ),
    "verdict_accuracy_tie": (
        "{model}: {other}. A difference of {gap} percentage points is within the standard error{basis} "
        "({error} points on {rows} rows): this test cannot tell the two apart.",
        "{model}：{other}。相差 {gap} 个百分点，在{basis}标准误之内（{rows} 行上为 {error} 个百分点）："
        "此次测试无法区分二者。",
    ),
    "verdict_r2_win": (
        "{model}: {other}. The network wins by {gap}, {times} times the standard error{basis} on {rows} "
        "rows.",
        "{model}：{other}。网络高出 {gap}，是 {rows} 行上{basis}标准误的 {times} 倍。",
    ),
    "verdict_r2_lose": (
        "{model}: {other}. The network loses by {gap}, {times} times the standard error{basis} on {rows} "
        "rows.",
        "{model}：{other}。网络低 {gap}，是 {rows} 行上{basis}标准误的 {times} 倍。",
    ),
    "verdict_r2_tie": (
        "{model}: {other}. A difference of {gap} is within the standard error{basis} ({error} on {rows} "
        "rows): this test cannot tell the two apart.",
        "{model}：{other}。相差 {gap}，在{basis}标准误之内（{rows} 行上为 {error}）：此次测试无法区分二者。",
    ),
    "basis_paired": (" of the paired difference", "配对差值的"),
    "baseline_classification": (
        "Always answering “{label}” would be right in {share} of cases.",
        "若总是回答“{label}”，准确率为 {share}。",
    ),
    "baseline_regression": (
        "Always answering the mean would score about 0.",
        "若总是回答均值，R² 约为 0。",
    ),
    "comparison_alt": (
        "Dot plot: the main metric of each model on the same held-out rows; the table below has the numbers.",
        "点图：各模型在同一留出集上的主要指标；数值见下表。",
    ),
    "comparison_caption": (
        "The same held-out rows for every model. The bars are one standard error to either side.",
        "所有模型使用同一留出集。误差线为正负一个标准误。",
    ),
    "comparison_caption_paired": (
        "The same held-out rows for every model. The bars are one standard error of each accuracy to either "
        "side; the sentences above judge the difference row by row, so models may be told apart although "
        "their bars overlap.",
        "所有模型使用同一留出集。误差线为各自准确率的正负一个标准误；上面的结论按逐行配对的差值判断，"
        "因此误差线重叠的模型也可能分出高下。",
    ),
    "comparison_caption_plain": ("The same held-out rows for every model.", "所有模型使用同一留出集。"),
    "model": ("Model", "模型"),
    "seconds": ("Training time", "训练用时"),
    "note": ("Note", "备注"),
    "best_note": ("Bold: the best of the column.", "粗体：该列最佳。"),
    "learning": ("Learning curves", "学习曲线"),
    "learning_alt": (
        "Line chart: loss and metric by epoch on the training and the validation rows; epoch {epoch} was "
        "kept.",
        "折线图：训练集和验证集上各轮次的损失与指标；保留第 {epoch} 轮。",
    ),
    "learning_caption": (
        "Training values are averages over each epoch, taken while the weights change and dropout is on; "
        "validation values are measured at its end, without dropout. So validation may look better than "
        "training.",
        "训练集的数值是每一轮中的平均，此时权重在变化且 Dropout 开启；验证集的数值在该轮结束时测得，"
        "Dropout 关闭。因此验证集可能显得比训练集更好。",
    ),
    "learning_units": (
        "The mean absolute error here is in standard deviations of the target, as the network is trained; "
        "in the table of the models above it is in the target’s unit.",
        "此处的平均绝对误差以目标的标准差为单位，即网络训练时所用；上面各模型的表格中则以目标自身的单位计。",
    ),
    "no_history": ("No epoch was recorded.", "没有记录任何轮次。"),
    "training": ("training", "训练集"),
    "validation": ("validation", "验证集"),
    "epoch": ("epoch", "轮次"),
    "kept_epoch": ("epoch {epoch} kept", "保留第 {epoch} 轮"),
    "table_all": ("All numbers as a table", "以表格查看全部数值"),
    "features": ("Features before and after scaling", "缩放前后的特征"),
    "features_spread": (
        "The standard deviations of the {count} numeric columns range from {low} (“{low_name}”) to "
        "{high} (“{high_name}”), a factor of {ratio}. Unscaled, the columns of large numbers would drown "
        "the others.",
        "{count} 个数值列的标准差从 {low}（“{low_name}”）到 {high}（“{high_name}”），相差 {ratio} 倍。"
        "若不缩放，数值大的列会淹没其余的列。",
    ),
    "features_close": (
        "The standard deviations of the {count} numeric columns range from {low} (“{low_name}”) to "
        "{high} (“{high_name}”), a factor of {ratio}.",
        "{count} 个数值列的标准差从 {low}（“{low_name}”）到 {high}（“{high_name}”），相差 {ratio} 倍。",
    ),
    "features_one": ("One numeric column, “{name}”, was scaled.", "有一个数值列经过缩放：“{name}”。"),
    "features_none": ("No numeric column was scaled.", "没有需要缩放的数值列。"),
    "features_alt": (
        "Histograms, one row a feature: on the left the raw values on one common axis, on the right the "
        "scaled ones.",
        "直方图，每行一个特征：左侧为同一坐标轴上的原始数值，右侧为缩放后的数值。",
    ),
    "features_caption": (
        "Training rows. The left axis is common to all, linear around zero and logarithmic beyond; the "
        "right axis is common too, and ends at ±8. Each histogram has a height of its own.",
        "训练集。左侧为共用坐标轴，零附近为线性，其外为对数；右侧同样共用，至多到 ±8。"
        "各直方图的高度互不相关。",
    ),
    "features_caption_more": (
        "Shown are {shown} of {count}, evenly from the smallest to the largest standard deviation.",
        "共 {count} 个，图中为按标准差从小到大均匀选取的 {shown} 个。",
    ),
    "features_table": ("All {count} scaled columns as a table", "以表格查看全部 {count} 个缩放的列"),
    "before_scaling": ("raw values", "原始数值"),
    "after_scaling": ("scaled", "缩放后"),
    "rows_unit": ("rows", "行"),
    "mean": ("Mean", "均值"),
    "std": ("Standard deviation", "标准差"),
    "minimum": ("Minimum", "最小值"),
    "maximum": ("Maximum", "最大值"),
    "more_rows": ("{count} more are not listed here.", "另有 {count} 项未在此列出。"),
    "confusion": ("Confusion matrix", "混淆矩阵"),
    "confusion_alt": (
        "Heat map: held-out rows by true class and predicted class; the table below has the numbers.",
        "热力图：留出集按真实类别和预测类别的计数；数值见下表。",
    ),
    "confusion_caption": (
        "Counts, and their share of the row’s true class, by which the cells are coloured. The diagonal "
        "is right.",
        "计数，及其占该行真实类别的比例（颜色深浅）。对角线为预测正确。",
    ),
    "largest": ("Largest confusions", "最常见的混淆"),
    "largest_alt": (
        "Dot plot of the most frequent mistakes: true class → predicted class, rows, share of the true "
        "class.",
        "点图：最常见的错误，真实类别 → 预测类别、行数、占真实类别的比例。",
    ),
    "largest_caption": (
        "{classes} classes are too many for a matrix; these are the most frequent mistakes, with their "
        "share of the true class.",
        "共 {classes} 个类别，矩阵难以显示；这里列出最常见的错误及其占真实类别的比例。",
    ),
    "no_confusions": ("No held-out row was confused.", "留出集中没有预测错误。"),
    "predicted_class": ("predicted class", "预测类别"),
    "true_class": ("true class", "真实类别"),
    "rows_confused": ("held-out rows", "留出集行数"),
    "rows_count": ("Rows", "行数"),
    "share": ("Share", "比例"),
    "residuals": ("Predicted and actual values", "预测值与实际值"),
    "residuals_alt": (
        "Two scatter plots over the held-out rows: predicted by actual value, and residual by predicted "
        "value.",
        "留出集上的两幅散点图：预测值对实际值，残差对预测值。",
    ),
    "residuals_caption": (
        "{shown} held-out rows. On the dashed line a prediction is exact; a residual is actual − predicted.",
        "{shown} 行留出集。虚线上为完全准确的预测；残差 = 实际值 − 预测值。",
    ),
    "actual": ("actual", "实际值"),
    "predicted": ("predicted", "预测值"),
    "residual": ("residual", "残差"),
    "predicted_by_actual": ("predicted by actual", "预测值对实际值"),
    "residual_by_predicted": ("residual by predicted", "残差对预测值"),
    "no_residuals": ("No held-out prediction was recorded.", "没有记录留出集的预测。"),
    "diagnosis": ("Diagnosis", "诊断"),
    "diagnosis_clean": (
        "{made} of {all} checks of scaling and normalization could be made on {rows} rows, and none found a "
        "defect.",
        "缩放与归一化的 {all} 项检查中，有 {made} 项可在 {rows} 行上进行，均未发现问题。",
    ),
    "diagnosis_found": (
        "{made} of {all} checks of scaling and normalization could be made on {rows} rows. They found: "
        "{list}.",
        "缩放与归一化的 {all} 项检查中，有 {made} 项可在 {rows} 行上进行。结果：{list}。",
    ),
    "diagnosis_none": ("This network was not diagnosed.", "未对此网络进行诊断。"),
    "diagnosis_note": (
        "Findings stand as they were recorded, in English. “normwise explain CODE” tells more of one, with "
        "its false alarms and sources.",
        "诊断结果按记录原样（英文）显示。用“normwise explain 代码”可查看某一项的详情、误报情形及出处。",
    ),
    "severity_error": ("error", "错误"),
    "severity_warning": ("warning", "警告"),
    "severity_info": ("for information", "提示"),
    "severity_error_count": ("errors: {count}", "错误 {count} 项"),
    "severity_warning_count": ("warnings: {count}", "警告 {count} 项"),
    "severity_info_count": ("for information: {count}", "提示 {count} 项"),
    "safety_safe": ("safe", "安全"),
    "safety_unsafe": (
        "unsafe: train again, or it computes something else",
        "不安全：需重新训练，或改变结果",
    ),
    "safety_manual": ("by hand", "需手动处理"),
    "status_clean": ("clean", "正常"),
    "status_found": ("found", "发现问题"),
    "status_skipped": ("skipped", "已跳过"),
    "status_not_applicable": ("not applicable", "不适用"),
    "status_failed": ("failed", "检查出错"),
    "whole_model": ("the whole model", "整个模型"),
    "remedy": ("Remedy ({safety}):", "处理方法（{safety}）："),
    "remedy_code": ("The remedy as code", "处理方法的代码"),
    "all_checks": ("All {count} checks as a table", "以表格查看全部 {count} 项检查"),
    "check": ("Check", "检查"),
    "defect": ("Defect", "问题"),
    "outcome": ("Outcome", "结果"),
    "columns": ("What was done to each column, and why", "每一列的处理及原因"),
    "recorded_note": ("Shown as it was recorded, in English.", "按记录原样（英文）显示。"),
    "warnings_note": ("Warnings stand as they were recorded, in English.", "警告按记录原样（英文）显示。"),
    "columns_note": ("Reasons stand as they were recorded, in English.", "原因按记录原样（英文）显示。"),
    "column": ("Column", "列"),
    "kind": ("Kind", "类型"),
    "encoding": ("The network sees", "网络所见"),
    "missing": ("Missing", "缺失"),
    "categories": ("Categories", "类别"),
    "words": ("Words read as missing", "视为缺失的文字"),
    "reason": ("Why", "原因"),
    "rare": ("+ {count} rare, as one", "另有 {count} 个罕见类别合并为一"),
    "more_categories": ("and {count} more", "等，另有 {count} 个"),
    "kind_numeric": ("numeric", "数值"),
    "kind_boolean": ("boolean", "布尔"),
    "kind_categorical": ("categorical", "类别"),
    "kind_date": ("date", "日期"),
    "kind_excluded": ("excluded", "已排除"),
    "encoding_scaled": ("scaled", "缩放后的数值"),
    "encoding_one-hot": ("one-hot", "独热编码"),
    "encoding_embedding": ("embedding", "嵌入"),
    "encoding_none": ("nothing", "无"),
    "warnings": ("Things to know about this data", "关于这份数据需要留意的事项"),
    "warnings_none": ("Nothing unusual was noticed.", "未发现异常。"),
    "settings": ("Settings and versions", "设置与版本"),
    "setting": ("Setting", "设置"),
    "value": ("Value", "值"),
    "package": ("Package", "软件包"),
    "version": ("Version", "版本"),
    "seed": ("Seed", "随机种子"),
    "data_hash": ("Data, SHA-256", "数据 SHA-256"),
    "parameters": ("Trainable weights", "可训练参数"),
    "use": ("How to load and serve it", "如何加载与使用"),
    "use_predict": (
        "Predictions for a new table with the same columns, from the command line:",
        "在命令行中对具有相同列的新表进行预测：",
    ),
    "use_python": ("The same in Python:", "在 Python 中进行同样的预测："),
    "use_model": (
        "The network itself in Python; the scaling of the numbers is a layer of it, the codes of the "
        "categories are in schema.json:",
        "在 Python 中使用网络本身；数值缩放是其中的一层，类别编码保存在 schema.json 中：",
    ),
    "use_run": ("RUN is the folder that this report lies in.", "RUN 为本报告所在的文件夹。"),
    "footer": (
        "Written by normwise {version}. This page loads nothing from the network.",
        "由 normwise {version} 生成。本页不从网络加载任何内容。",
    ),
    "metric_loss": ("loss", "损失"),
    "metric_accuracy": ("accuracy", "准确率"),
    "metric_log_loss": ("log loss", "对数损失"),
    "metric_roc_auc": ("ROC AUC", "ROC AUC"),
    "metric_r2": ("R²", "R²"),
    "metric_mae": ("mean absolute error", "平均绝对误差"),
    "metric_mean_absolute_error": (
        "mean absolute error (target std. dev.)",
        "平均绝对误差（以目标标准差计）",
    ),
    "metric_rmse": ("root mean squared error", "均方根误差"),
    "model_this_network": ("this network", "本网络"),
    "model_logistic_regression": ("logistic regression", "逻辑回归"),
    "model_ridge_regression": ("ridge regression", "岭回归"),
    "model_gradient_boosting": ("gradient boosting", "梯度提升"),
}
PHRASES = {key: Phrase(en, zh) for key, (en, zh) in (_WORDS | WHY_WORDS).items()}
"""Phrase by key."""
